// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"strings"
	"testing"

	"github.com/admitrpc/admit/policy"
	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/durationpb"
)

// TestUnlinkedOptions: a descriptor that was made where package admitv1 was not linked has its rules as unknown bytes.
func TestUnlinkedOptions(t *testing.T) {
	t.Parallel()
	rule := parse(t, `allow { session_token { permissions: "p" } }`, &admitv1.Rule{})
	onService := parse(t, `default { allow { api_key {} } } match { field: "organization_id" equals: ORGANIZATION_ID }`, &admitv1.ServiceRule{})
	other := protowire.AppendVarint(protowire.AppendTag(nil, 50000, protowire.VarintType), 7) // an option of someone else
	b := bound(t, policy.Serve(fileOf(t, service{name: "Tests", raw: append(other, option(t, onService)...), rpcs: []rpc{
		{name: "Own", raw: append(option(t, rule), other...)}, {name: "Default"}, {name: "Other", raw: other},
	}})))
	for name, want := range map[string]struct {
		source policy.Source
		grants string
	}{
		"Own":     {policy.FromMethod, "session_token: permission p; the caller's organization id in organization_id"},
		"Default": {policy.FromService, "api_key: the caller's organization id in organization_id"},
		"Other":   {policy.FromService, "api_key: the caller's organization id in organization_id"},
	} {
		p := b.Procedure("/test.v1.Tests/" + name)
		if got := strings.Join(p.Grants(), "; "); p.Source() != want.source || got != want.grants {
			t.Errorf("%s: %q from %s, want %q from %s", name, got, p.Source(), want.grants, want.source)
		}
	}
}

// TestDynamicOptions: the extension as another type than the generated one.
func TestDynamicOptions(t *testing.T) {
	t.Parallel()
	file, err := protodesc.NewFile(protodesc.ToFileDescriptorProto(admitv1.File_admit_v1_rule_proto), protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	extension := dynamicpb.NewExtensionType(file.Extensions().ByName("method"))
	options := &descriptorpb.MethodOptions{}
	rule := dynamicpb.NewMessage(extension.TypeDescriptor().Message())
	if err := proto.Unmarshal(marshal(t, parse(t, `allow { api_key {} }`, &admitv1.Rule{})), rule); err != nil {
		t.Fatal(err)
	}
	options.ProtoReflect().Set(extension.TypeDescriptor(), protoreflect.ValueOfMessage(rule))
	if proto.HasExtension(options, admitv1.E_Method) {
		t.Log("the generated type sees it, too")
	}
	built := protodesc.ToFileDescriptorProto(oneRule(t, ""))
	built.Service[0].Method[0].Options = options
	fd, err := protodesc.NewFile(built, known)
	if err != nil {
		t.Fatal(err)
	}
	if got := bound(t, policy.Serve(fd)).Procedure(callName).Grants(); len(got) != 1 || got[0] != "api_key" {
		t.Errorf("got %q", got)
	}
}

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	raw, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestForeignOptions: an option of our number that is not ours is never taken for no rule, and neither is one that cannot be read.
func TestForeignOptions(t *testing.T) {
	t.Parallel()
	good := option(t, parse(t, `public {}`, &admitv1.Rule{}))
	varint := protowire.AppendVarint(protowire.AppendTag(nil, 236480, protowire.VarintType), 1)
	fixed := protowire.AppendFixed32(protowire.AppendTag(nil, 236480, protowire.Fixed32Type), 1)
	group := protowire.AppendTag(protowire.AppendTag(nil, 236480, protowire.StartGroupType), 236480, protowire.EndGroupType)
	bytesOf := func(raw ...byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, 236480, protowire.BytesType), raw)
	}
	for name, raw := range map[string][]byte{
		"a varint": varint, "a fixed32": fixed, "a group": group, "a varint before a good one": append(varint, good...), "a varint after a good one": append(good, varint...),
		"bytes that are no message": bytesOf(0xff), "a message cut short": bytesOf(0x0a, 0x05), "text that is not UTF-8": bytesOf(0x42, 0x01, 0xff),
		"an empty option": bytesOf(), "a field of another type": bytesOf(0x08, 0x01), "cut short after a good one": append(good, bytesOf(0x0a, 0x05)...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			call := rpc{name: "Call", raw: raw}
			for where, s := range map[string]service{
				"method":                      {name: "Tests", rpcs: []rpc{call}},
				"method with a default":       {name: "Tests", rule: `default { public {} }`, rpcs: []rpc{call}},
				"service":                     {name: "Tests", raw: raw, rpcs: []rpc{{name: "Call", rule: `public {}`}}},
				"service that is overwritten": {name: "Tests", raw: raw, rpcs: []rpc{{name: "Call", rule: `public {}`}, {name: "Other", rule: `public {}`}}},
			} {
				wrong := mistakesOf(t, everyKind(), policy.Serve(fileOf(t, s)), policy.Unannotated(policy.Public()))
				if !strings.Contains(wrong, "test/v1/service.proto: test.v1.Tests") {
					t.Errorf("%s: told without file and name:\n%s", where, wrong)
				}
			}
			mistakesOf(t, everyKind(), policy.Serve(fileOf(t, service{name: "Tests", rpcs: []rpc{call}})), policy.Override(callName, policy.Public()))
		})
	}
}

// TestRulesAreCopied: a message given in code can be changed afterwards without harm.
func TestRulesAreCopied(t *testing.T) {
	t.Parallel()
	message := parse(t, `allow { session_token { permissions: "p" } }`, &admitv1.Rule{})
	grant := parse(t, `session_token { roles: "r" }`, &admitv1.Grant{})
	scopes := []string{"a"}
	keys := policy.Keys(policy.Scopes(scopes...))
	given := policy.FromProto(message)
	allowed := policy.Allow(policy.GrantFromProto(grant), keys)
	message.GetAllow()[0].GetSessionToken().Permissions = nil
	grant.GetSessionToken().Roles = nil
	scopes[0] = "b"
	file := fileOf(t, service{name: "Tests", rpcs: []rpc{{name: "One"}, {name: "Two"}}})
	b := bound(t, policy.Serve(file), policy.For("/test.v1.Tests/One", given), policy.For("/test.v1.Tests/Two", allowed))
	if got := strings.Join(append(b.Procedure("/test.v1.Tests/One").Grants(), b.Procedure("/test.v1.Tests/Two").Grants()...), "; "); got != "session_token: permission p; session_token: role r; api_key: scope a" {
		t.Errorf("got %q", got)
	}
}

// TestRulesInCode: what is written in Go says what the message says.
func TestRulesInCode(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rule policy.Rule
		want string
	}{
		"public": {policy.Public(), `public {}`},
		"unread": {policy.PublicUnread(), `public { credential: UNREAD }`},
		"any":    {policy.Allow(policy.Any(), policy.Any().Unmatched()), `allow { any {} } allow { any {} unmatched: true }`},
		"session": {policy.Allow(policy.Session(policy.Role("a", "b"), policy.Permission("p"), policy.Feature("f"), policy.Plan("l"), policy.AllowPending(),
			policy.ForbidImpersonation(), policy.Reverified(admitv1.Reverification_LAX))),
			`allow { session_token { roles: ["a", "b"] permissions: "p" features: "f" plans: "l" allow_pending: true forbid_impersonation: true reverification { preset: LAX } } }`},
		"within": {policy.Allow(policy.Session(policy.Personal(), policy.ReverifiedWithin(tokens.FirstFactor, minutes(90)))),
			`allow { session_token { personal: true reverification { level: FIRST_FACTOR minutes: 90 } } }`},
		"oauth":    {policy.Allow(policy.OAuth(policy.Scopes("a", "b"), policy.Clients("web"))), `allow { oauth_token { scopes: ["a", "b"] clients: "web" } }`},
		"keys":     {policy.Allow(policy.Keys(policy.OwnedByUser()), policy.Keys()), `allow { api_key { owner: USER } } allow { api_key {} }`},
		"machines": {policy.Allow(policy.Machines(policy.Callers("*"), policy.Scopes("a"))), `allow { m2m_token { callers: "*" scopes: "a" } }`},
		"message":  {policy.FromProto(&admitv1.Rule{Public: &admitv1.Public{}}), `public {}`},
	} {
		p := bound(t, policy.Serve(oneRule(t, "")), policy.For(callName, test.rule)).Procedure(callName)
		if want := parse(t, test.want, &admitv1.Rule{}); !proto.Equal(p.Rule(), want) {
			t.Errorf("%s: got %v, want %v", name, p.Rule(), want)
		}
	}
}

// TestNothingInCode: a demand for nothing is not no demand.
func TestNothingInCode(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]policy.Rule{
		"no grant": policy.Allow(), "the zero grant": policy.Allow(policy.Grant{}), "the zero grant, unmatched": policy.Allow(policy.Grant{}.Unmatched()),
		"a nil grant": policy.Allow(policy.GrantFromProto(nil)), "no role": policy.Allow(policy.Session(policy.Role())),
		"no permission": policy.Allow(policy.Session(policy.Permission())), "no feature": policy.Allow(policy.Session(policy.Feature())),
		"no plan": policy.Allow(policy.Session(policy.Plan())), "no scope": policy.Allow(policy.Keys(policy.Scopes())),
		"the zero scopes of keys": policy.Allow(policy.Keys(policy.ScopesDemand{})), "the zero scopes of clients": policy.Allow(policy.OAuth(policy.Clients("*"), policy.ScopesDemand{})),
		"the zero scopes of machines": policy.Allow(policy.Machines(policy.Callers("*"), policy.ScopesDemand{})), "no client": policy.Allow(policy.OAuth(policy.Clients())),
		"no caller": policy.Allow(policy.Machines(policy.Callers())), "no OAuth demand": policy.Allow(policy.OAuth()), "no machine demand": policy.Allow(policy.Machines()),
		"no preset":                policy.Allow(policy.Session(policy.Reverified(admitv1.Reverification_PRESET_UNSPECIFIED))),
		"less than a minute":       policy.Allow(policy.Session(policy.ReverifiedWithin(tokens.FirstFactor, minutes(1)-1))),
		"a negative time":          policy.Allow(policy.Session(policy.ReverifiedWithin(tokens.FirstFactor, -minutes(1)))),
		"a nil demand of sessions": policy.Allow(policy.Session(nil)), "a nil demand of keys": policy.Allow(policy.Keys(nil)),
		"a nil demand of clients": policy.Allow(policy.OAuth(nil)), "a nil demand of machines": policy.Allow(policy.Machines(nil)),
		"the zero message":   policy.FromProto(&admitv1.Rule{}),
		"a nil list element": policy.FromProto(&admitv1.Rule{Allow: []*admitv1.Grant{nil}}),
		"a nil match": policy.FromProto(&admitv1.Rule{
			Allow: []*admitv1.Grant{{Credential: &admitv1.Grant_SessionToken{SessionToken: &admitv1.SessionToken{}}, Match: []*admitv1.Match{nil}}},
		}),
		"too long": policy.FromProto(&admitv1.Rule{
			Allow: []*admitv1.Grant{{Credential: &admitv1.Grant_ApiKey{ApiKey: &admitv1.APIKey{}}}}, Stream: &admitv1.Stream{Outlive: durationpb.New(minutes(24*60 + 1))},
		}),
	} {
		if wrong := mistakesOf(t, everyKind(), policy.Serve(oneRule(t, "")), policy.For(callName, rule)); !strings.Contains(wrong, "policy.For: "+callName) {
			t.Errorf("%s: told as\n%s", name, wrong)
		}
	}
}
