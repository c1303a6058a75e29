// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/revocation"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A Guard decides calls: rules, and verifiers with a memory of what they verified. Make it with [New] or [NewForTenants]; the nil and the zero
// Guard refuse every call.
type Guard struct {
	rules     *policy.Bound
	tenant    *Tenant // nil where the resolver says
	resolver  Resolver
	demands   [tokens.M2MToken + 1]offer // what every tenant must be able to verify
	timeout   time.Duration              // of the resolver
	observers observers
	metadata  string
}

// The defaults of the options.
const (
	// DefaultCacheSize is how many verified credentials are remembered.
	DefaultCacheSize = 100_000
	// DefaultCacheAge is how long one is remembered, at most. Expiry is looked at on every call all the same.
	DefaultCacheAge = 30 * time.Second
	// DefaultVerifyTimeout is how long a verification may take.
	DefaultVerifyTimeout = 5 * time.Second
)

// An Option configures a [Guard] or a [Tenant].
type Option interface {
	apply(c *config) error
}

type optionFunc func(*config) error

func (f optionFunc) apply(c *config) error { return f(c) }

// tenantOption is an option of what says how credentials are verified.
func tenantOption(name string, f optionFunc) Option {
	return optionFunc(func(c *config) error {
		c.ofTenant = append(c.ofTenant, name)
		return f(c)
	})
}

// guardOption is an option of everything else.
func guardOption(name string, f optionFunc) Option {
	return optionFunc(func(c *config) error {
		c.ofGuard = append(c.ofGuard, name)
		return f(c)
	})
}

type config struct {
	observers observers
	log       *slog.Logger
	debug     bool
	metadata  string
	ofGuard   []string // the names of the options that were given

	size     int
	age      time.Duration
	timeout  time.Duration
	running  int
	waiting  int
	feed     revocation.Feed
	cookie   *cookie
	ofTenant []string
}

func configure(options []Option) (c config, mistakes []error) {
	c = config{
		size: DefaultCacheSize, age: DefaultCacheAge, timeout: DefaultVerifyTimeout, running: DefaultVerifications, waiting: DefaultWaiting,
	}
	for _, option := range options {
		if option == nil {
			mistakes = append(mistakes, errors.New("interceptor: an option is nil"))
			continue
		}
		if err := option.apply(&c); err != nil {
			mistakes = append(mistakes, fmt.Errorf("interceptor: %w", err))
		}
	}
	return c, mistakes
}

// WithLogger logs refusals with [NewLogObserver]. Default: nothing is logged.
func WithLogger(log *slog.Logger) Option {
	return guardOption("WithLogger", func(c *config) error {
		if log == nil {
			return errors.New("the logger is nil")
		}
		c.log = log
		return nil
	})
}

// WithDebug makes the log say of every call what was found, which rule applied, and why it ended so; the logger is that of [WithLogger],
// or else slog.Default(). Default: off. It still contains no credential, but it names callers and what rules demand.
func WithDebug() Option {
	return guardOption("WithDebug", func(c *config) error {
		c.debug = true
		return nil
	})
}

// WithObserver tells the observer what became of every call. It may be given more than once. Default: none.
func WithObserver(observer Observer) Option {
	return guardOption("WithObserver", func(c *config) error {
		if observer == nil {
			return errors.New("the observer is nil")
		}
		c.observers = append(c.observers, observer)
		return nil
	})
}

// WithCache sets how many verified credentials are remembered, and for how long at most. Both must be positive. Default:
// [DefaultCacheSize] and [DefaultCacheAge].
func WithCache(size int, age time.Duration) Option {
	return tenantOption("WithCache", func(c *config) error {
		if size <= 0 || age <= 0 {
			return fmt.Errorf("a cache of %d for %s; both must be positive", size, age)
		}
		c.size, c.age = size, age
		return nil
	})
}

// WithVerifyTimeout sets how long a verification may take before the call is refused with VERIFIER_UNAVAILABLE. It must be positive.
// Default: [DefaultVerifyTimeout].
func WithVerifyTimeout(timeout time.Duration) Option {
	return tenantOption("WithVerifyTimeout", func(c *config) error {
		if timeout <= 0 {
			return fmt.Errorf("a verification of %s; it must be positive", timeout)
		}
		c.timeout = timeout
		return nil
	})
}

// WithResourceMetadata names the URL of the protected-resource metadata in every challenge (RFC 9728 §5.1). Default: none.
func WithResourceMetadata(address string) Option {
	return guardOption("WithResourceMetadata", func(c *config) error {
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("the resource metadata %q is not an https URL", address)
		}
		c.metadata = u.String()
		return nil
	})
}

// New binds rules to verifiers. Each served method must have a rule, and each kind that a rule accepts a verifier; all mistakes, those
// that policy.New and tokens.NewVerifiers remember included, are in the one error. Call Close when the guard is no longer used.
func New(rules *policy.Rules, verifiers *tokens.Verifiers, options ...Option) (*Guard, error) {
	c, mistakes := configure(options)
	g, err := newGuard(rules, verifiers.Forms(), c, mistakes, verifiers.Err())
	if err != nil {
		return nil, err
	}
	if g.tenant, err = newTenant("", verifiers, c); err != nil {
		return nil, err
	}
	return g, nil
}

// newGuard makes a guard but for what it verifies with. The mistakes that were found before and after those of the rules are told with them.
func newGuard(rules *policy.Rules, forms []tokens.Form, c config, before []error, after error) (*Guard, error) {
	var bind []policy.BindOption
	if c.feed != nil {
		bind = append(bind, policy.WithRevocations())
	}
	bound, err := rules.Bind(forms, bind...)
	if err := errors.Join(append(before, err, after)...); err != nil {
		return nil, err
	}
	if c.log != nil || c.debug {
		c.observers = append(c.observers, NewLogObserver(c.log, c.debug))
	}
	return &Guard{rules: bound, observers: c.observers, metadata: c.metadata}, nil
}

// Close ends what the guard started, and waits for that. Calls that are under way, and later ones, are decided as before; with
// [WithRevocations] only as long as it says of a feed that is not heard any more.
func (g *Guard) Close() {
	if g != nil {
		g.tenant.Close()
	}
}

// Rules returns the bound rules; nil for a nil Guard.
func (g *Guard) Rules() *policy.Bound {
	if g == nil {
		return nil
	}
	return g.rules
}

// Procedure returns the served procedure of that name, or nil. A transport that knows the method's descriptor gives it, and a descriptor
// other than the one that the rule was read from is not served: another file may declare the same method with other rules.
func (g *Guard) Procedure(name string, method protoreflect.MethodDescriptor) *policy.Procedure {
	if g == nil {
		return nil
	}
	p := g.rules.Procedure(name)
	if p == nil || method != nil && p.Method() != method {
		return nil
	}
	return p
}
