// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

// A product is an issuer as the tests of its profile know it.
type product struct {
	name      string
	profile   jwt.Profile
	issuer    string
	audiences []string
	// A good token of each kind that the profile has.
	good map[tokens.Kind]sample
}

// A sample is a token without what all tokens have: iss, exp and iat.
type sample struct{ header, claims map[string]any }

const api = "https://api.example.com"

// with returns the sample with changes; a nil value removes a claim.
func (s sample) with(changes map[string]any) sample {
	claims := maps.Clone(s.claims)
	maps.Copy(claims, changes)
	return sample{header: s.header, claims: claims}
}

// typed returns the sample with another typ; nil is none.
func (s sample) typed(typ any) sample { return s.headed("typ", typ) }

func (s sample) headed(name string, value any) sample {
	header := maps.Clone(s.header)
	if header == nil {
		header = map[string]any{}
	}
	header[name] = value
	return sample{header: header, claims: s.claims}
}

func (p product) mint(iss *tokenstest.Issuer, s sample) string {
	now := time.Now()
	claims := map[string]any{"iss": p.issuer, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}
	maps.Copy(claims, s.claims)
	return iss.Sign(s.header, claims)
}

func (p product) verifier(keys jwt.KeySource, opts ...jwt.Option) *jwt.IssuerVerifier {
	return must(jwt.NewIssuerVerifier(p.issuer, p.audiences, p.profile, keys, opts...))
}

// products are all of them, each by its own function in the file of its tests.
func products() []product {
	return []product{rfc9068(), auth0(), okta(), entra(), keycloak(), google(), spiffe(), kubernetes(), clerk()}
}

// A profileCase is a token that a profile is asked about.
type profileCase struct {
	name  string
	token sample
	// What the principal of a good token must be; nil: the token must be refused.
	want func(p *tokens.Principal) bool
}

// checkProfile asks the whole profile about each token, and each kind of it alone: what is refused is so by all of them, since a token of
// two kinds must not be good because one of them was left out.
func checkProfile(t *testing.T, p product, cases []profileCase) {
	t.Helper()
	iss, keys := newIssuer(t)
	v := p.verifier(keys)
	var alone []tokens.Verifier
	for kind := range p.good {
		only := p
		only.profile = p.profile.Only(kind)
		alone = append(alone, only.verifier(keys))
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			token := p.mint(iss, tt.token)
			if tt.want == nil {
				refused(t, v, token, tokens.ReasonTokenInvalid)
				for _, v := range alone {
					refused(t, v, token, tokens.ReasonTokenInvalid)
				}
				return
			}
			if got := accepted(t, v, token); !tt.want(got) {
				t.Errorf("kind %s, subject %q, user %q, client %q (%q), caller %q, scopes %q",
					got.Kind(), got.Subject(), got.UserID(), got.ClientID(), got.ClientName(), got.CallerName(), got.Scopes())
			}
		})
	}
}

func isUser(user, client string, scopes ...string) func(*tokens.Principal) bool {
	return func(p *tokens.Principal) bool {
		return p.Kind() == tokens.OAuthToken && p.UserID() == user && p.ClientID() == client && p.ClientName() == client &&
			slices.Equal(p.Scopes(), scopes)
	}
}

func isMachine(subject, caller string, scopes ...string) func(*tokens.Principal) bool {
	return func(p *tokens.Principal) bool {
		return p.Kind() == tokens.M2MToken && p.Subject() == subject && p.CallerName() == caller && p.UserID() == "" &&
			slices.Equal(p.Scopes(), scopes)
	}
}

// TestProfilesRefuse changes the good tokens of each product, and each must then be refused by its profile.
func TestProfilesRefuse(t *testing.T) {
	t.Parallel()
	changes := []struct {
		name   string
		change func(sample) sample
		want   tokens.Reason
	}{
		{"other audience", claim("aud", "https://other.example.com"), tokens.ReasonTokenInvalid},
		{"audience as a part", claim("aud", api+"/v1"), tokens.ReasonTokenInvalid},
		{"no audience", claim("aud", nil), tokens.ReasonTokenInvalid},
		{"empty audience", claim("aud", []string{}), tokens.ReasonTokenInvalid},
		{"other issuer", claim("iss", "https://other.example.com"), tokens.ReasonTokenInvalid},
		{"no issuer", claim("iss", nil), tokens.ReasonTokenInvalid},
		{"no subject", claim("sub", nil), tokens.ReasonTokenInvalid},
		{"empty subject", claim("sub", ""), tokens.ReasonTokenInvalid},
		{"subject is a number", claim("sub", 1), tokens.ReasonTokenInvalid},
		{"expired", claim("exp", time.Now().Add(-time.Hour).Unix()), tokens.ReasonTokenExpired},
		{"no end", claim("exp", nil), tokens.ReasonTokenInvalid},
		{"not yet valid", claim("nbf", time.Now().Add(time.Hour).Unix()), tokens.ReasonTokenNotYetValid},
		{"SEC-82 id_token with at_hash", claim("at_hash", "MTIzNDU2Nzg5MDEyMzQ1Ng"), tokens.ReasonTokenInvalid},
		{"SEC-82 id_token with c_hash", claim("c_hash", "MTIzNDU2Nzg5MDEyMzQ1Ng"), tokens.ReasonTokenInvalid},
		{"SEC-82 id_token with s_hash", claim("s_hash", "MTIzNDU2Nzg5MDEyMzQ1Ng"), tokens.ReasonTokenInvalid},
		{"SEC-82 id_token with nonce", claim("nonce", "n-0S6_WzA2Mj"), tokens.ReasonTokenInvalid},
		{"SEC-82 id_token by token_use", claim("token_use", "id"), tokens.ReasonTokenInvalid},
		{"token_use is no text", claim("token_use", 1), tokens.ReasonTokenInvalid},
		{"SEC-82 id_token by claim typ", claim("typ", "ID"), tokens.ReasonTokenInvalid},
		{"SEC-83 refresh token by claim typ", claim("typ", "Refresh"), tokens.ReasonTokenInvalid},
		{"SEC-83 offline token by claim typ", claim("typ", "Offline"), tokens.ReasonTokenInvalid},
		{"SEC-83 logout token by claim typ", claim("typ", "Logout"), tokens.ReasonTokenInvalid},
		{
			"SEC-83 logout token by events", claim("events", map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}),
			tokens.ReasonTokenInvalid,
		},
		{"SEC-83 logout token by typ", header("typ", "logout+jwt"), tokens.ReasonTokenInvalid},
		{"SEC-83 security event by typ", header("typ", "secevent+jwt"), tokens.ReasonTokenInvalid},
		{"SEC-83 DPoP proof by typ", header("typ", "dpop+jwt"), tokens.ReasonTokenInvalid},
		{"SEC-90 bound to a key", claim("cnf", map[string]any{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}), tokens.ReasonTokenInvalid},
		{"a claim in two cases", claim("Iss", "https://other.example.com"), tokens.ReasonTokenInvalid},
		{"a claim of profiles in another case", claim("CID", "x"), tokens.ReasonTokenInvalid},
	}
	for _, p := range products() {
		for kind, good := range p.good {
			if kind == tokens.SessionToken { // See TestClerkSessions.
				continue
			}
			t.Run(p.name+" "+kind.String(), func(t *testing.T) {
				t.Parallel()
				iss, keys := newIssuer(t)
				v := p.verifier(keys)
				accepted(t, v, p.mint(iss, good))
				refused(t, v, iss.Tamper(p.mint(iss, good)), tokens.ReasonTokenInvalid)
				for _, tt := range changes {
					t.Run(tt.name, func(t *testing.T) {
						refused(t, v, p.mint(iss, tt.change(good)), tt.want)
					})
				}
			})
		}
	}
}

func claim(name string, value any) func(sample) sample {
	return func(s sample) sample { return s.with(map[string]any{name: value}) }
}

func header(name string, value any) func(sample) sample {
	return func(s sample) sample { return s.headed(name, value) }
}

// TestProfilesInOneTable has all issuers at once: each token is for the verifier of its issuer, of its kind, and good there alone.
func TestProfilesInOneTable(t *testing.T) {
	t.Parallel()
	iss, keys := newIssuer(t)
	var all []tokens.Verifier
	for _, p := range products() {
		all = append(all, p.verifier(keys, jwt.WithNamePrefix(p.name+":")))
	}
	table := must(tokens.NewVerifiers(all...))
	for at, p := range products() {
		for kind, good := range p.good {
			t.Run(p.name+" "+kind.String(), func(t *testing.T) {
				t.Parallel()
				token := p.mint(iss, good)
				form, verifier, ok := table.Classify(token)
				if !ok || form.Kind != kind || verifier != all[at] {
					t.Fatalf("classified as %v of %v", form, verifier)
				}
				for other, v := range all {
					caller, err := v.Verify(t.Context(), tokens.Credential{Secret: tokens.NewSecret(token), Form: form})
					if (err == nil) != (other == at) || err == nil && caller.Kind() != kind {
						t.Errorf("verifier %d: %v, %v", other, caller, err)
					}
				}
				caller := accepted(t, verifier, token)
				name := caller.ClientName()
				if kind == tokens.M2MToken {
					name = caller.CallerName()
				}
				if kind != tokens.SessionToken && (!strings.HasPrefix(name, form.Names.Prefix) || !strings.HasPrefix(name, p.name+":")) {
					t.Errorf("the name %q has not the prefix %q that the form promises", name, form.Names.Prefix)
				}
				for _, another := range tokens.Kinds() {
					if _, err := verifier.Verify(t.Context(), tokens.Credential{
						Secret: tokens.NewSecret(token), Form: tokens.Form{Kind: another},
					}); (err == nil) != (another == kind) {
						t.Errorf("SEC-84 classified as %s: %v", another, err)
					}
				}
			})
		}
	}
}

// TestOnly shows that the tokens of the kinds that were left out are refused, and not taken for others.
func TestOnly(t *testing.T) {
	t.Parallel()
	for _, p := range products() {
		for kind := range p.good {
			t.Run(p.name+" "+kind.String(), func(t *testing.T) {
				t.Parallel()
				iss, keys := newIssuer(t)
				only := p
				only.profile = p.profile.Only(kind)
				v := only.verifier(keys)
				if forms := v.Forms(); len(forms) != 1 || forms[0].Kind != kind {
					t.Errorf("forms %v", forms)
				}
				for k, good := range p.good {
					if k == kind {
						accepted(t, v, p.mint(iss, good))
					} else {
						refused(t, v, p.mint(iss, good), tokens.ReasonTokenInvalid)
					}
				}
			})
		}
	}
}

func TestNewIssuerVerifierRefuses(t *testing.T) {
	t.Parallel()
	_, keys := newIssuer(t)
	list := []string{api}
	fails := func(issuer string, audiences []string, profile jwt.Profile, keys jwt.KeySource, opts ...jwt.Option) error {
		_, err := jwt.NewIssuerVerifier(issuer, audiences, profile, keys, opts...)
		return err
	}
	for _, tt := range []struct {
		name string
		err  error
		says string
	}{
		{"no issuer", fails("", list, jwt.RFC9068(), keys), "issuer is empty"},
		{"SEC-39 no audience", fails("i", nil, jwt.RFC9068(), keys), "no audiences"},
		{"an empty audience", fails("i", []string{api, ""}, jwt.RFC9068(), keys), "audiences is empty"},
		{"zero profile", fails("i", list, jwt.Profile{}, keys), "profile"},
		{"no kinds", fails("i", list, jwt.RFC9068().Only(), keys), "profile"},
		{"a kind that the profile does not have", fails("i", list, jwt.Google().Only(tokens.M2MToken, tokens.OAuthToken), keys), "Only(oauth_token)"},
		{"no keys", fails("i", list, jwt.RFC9068(), nil), "no keys"},
		{"nil option", fails("i", list, jwt.RFC9068(), keys, nil), "nil option"},
		{"Entra's issuer of all tenants", fails("https://login.microsoftonline.com/common/v2.0", list, jwt.Entra(), keys), "common"},
		{"no trust domain", fails("i", list, jwt.SPIFFE(""), keys), "trust domain"},
		{"trust domain as a URI", fails("i", list, jwt.SPIFFE("spiffe://example.org"), keys), "trust domain"},
		{"trust domain in upper case", fails("i", list, jwt.SPIFFE("Example.org"), keys), "trust domain"},
		{"Kubernetes' own audience", fails("https://k8s.example.com", []string{"https://k8s.example.com"}, jwt.Kubernetes(), keys), "API server"},
		{
			"Kubernetes' usual audience", fails("i", []string{api, "https://kubernetes.default.svc.cluster.local"}, jwt.Kubernetes(), keys),
			"API server",
		},
		{"Clerk without parties", fails("i", list, jwt.Clerk(nil), keys), "no authorized parties"},
		{"Clerk with an empty party", fails("i", list, jwt.Clerk([]string{""}), keys), "authorized parties"},
		{"Clerk's sessions alone, without parties", fails("i", nil, jwt.Clerk(nil).Only(tokens.SessionToken), keys), "no authorized parties"},
		{"Clerk's machines alone, without audience", fails("i", nil, jwt.Clerk(nil).Only(tokens.M2MToken), keys), "no audiences"},
		{
			"Clerk's sessions alone, with names",
			fails("i", nil, jwt.Clerk(list).Only(tokens.SessionToken), keys, jwt.WithNamePrefix("a")), "sessions have no names",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.err == nil || !strings.Contains(tt.err.Error(), tt.says) || !strings.HasPrefix(tt.err.Error(), "jwt: NewIssuerVerifier: ") {
				t.Errorf("error %v, want one about %q", tt.err, tt.says)
			}
		})
	}
	all := fails("", nil, jwt.Profile{}, nil)
	if lines := strings.Count(all.Error(), "\n") + 1; lines != 4 {
		t.Errorf("%d mistakes:\n%v", lines, all)
	}
}

func TestZeroIssuerVerifier(t *testing.T) {
	t.Parallel()
	for _, v := range []*jwt.IssuerVerifier{nil, {}} {
		if v.Forms() != nil {
			t.Errorf("forms %v", v.Forms())
		}
		if _, err := v.Verify(context.Background(), tokens.Credential{}); tokens.ReasonOf(err) != tokens.ReasonTokenInvalid {
			t.Errorf("error %v", err)
		}
	}
}

// TestIssuerVerifierNames shows what WithNames does to both kinds, and that what it was given is copied.
func TestIssuerVerifierNames(t *testing.T) {
	t.Parallel()
	iss, keys := newIssuer(t)
	p := rfc9068()
	audiences := slices.Clone(p.audiences)
	v := must(jwt.NewIssuerVerifier(p.issuer, audiences, p.profile, keys, jwt.WithNames(map[string]string{"client_1": "reports", "client_2": "ledger"})))
	audiences[0] = "changed"
	if got := accepted(t, v, p.mint(iss, p.good[tokens.OAuthToken])); got.ClientID() != "client_1" || got.ClientName() != "reports" {
		t.Errorf("client %q is %q", got.ClientID(), got.ClientName())
	}
	if got := accepted(t, v, p.mint(iss, p.good[tokens.M2MToken])); got.Subject() != "client_2" || got.CallerName() != "ledger" {
		t.Errorf("machine %q is %q", got.Subject(), got.CallerName())
	}
	unknown := map[string]any{"client_id": "client_3"}
	refused(t, v, p.mint(iss, p.good[tokens.OAuthToken].with(unknown)), tokens.ReasonTokenInvalid)
	for _, form := range v.Forms() {
		if !slices.Equal(form.Names.Known, []string{"ledger", "reports"}) || form.Names.Prefix != "" {
			t.Errorf("names %v", form.Names)
		}
		if len(form.Marker.Types) > 0 {
			form.Marker.Types[0] = "changed"
		}
	}
	if slices.ContainsFunc(v.Forms(), func(f tokens.Form) bool { return slices.Contains(f.Marker.Types, "changed") }) {
		t.Error("the forms were changed from outside")
	}
}

// TestIssuerVerifierAsksNoKey shows that a token of no class costs no look-up.
func TestIssuerVerifierAsksNoKey(t *testing.T) {
	t.Parallel()
	iss, _ := newIssuer(t)
	p := rfc9068()
	v := p.verifier(sourceFunc(func(context.Context) error { t.Error("a key was asked for"); return nil }))
	refused(t, v, p.mint(iss, p.good[tokens.OAuthToken].typed("JWT")), tokens.ReasonTokenInvalid)
}
