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
	"github.com/admitrpc/admit/tokens/cache"
	"github.com/admitrpc/admit/tokens/revocation"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A Guard decides calls: rules, verifiers, and a cache of verified credentials. Make it with [New]; the nil and the zero Guard refuse
// every call.
type Guard struct {
	rules       *policy.Bound
	verifiers   *tokens.Verifiers
	cache       *cache.Cache
	revocations *revocations
	observers   observers
	metadata    string
	clock       clock
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

// An Option configures a [Guard].
type Option interface {
	apply(c *config) error
}

type optionFunc func(*config) error

func (f optionFunc) apply(c *config) error { return f(c) }

type config struct {
	observers observers
	log       *slog.Logger
	debug     bool
	metadata  string
	size      int
	age       time.Duration
	timeout   time.Duration
	feed      revocation.Feed
}

// WithLogger logs refusals with [NewLogObserver]. Default: nothing is logged.
func WithLogger(log *slog.Logger) Option {
	return optionFunc(func(c *config) error {
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
	return optionFunc(func(c *config) error {
		c.debug = true
		return nil
	})
}

// WithObserver tells the observer what became of every call. It may be given more than once. Default: none.
func WithObserver(observer Observer) Option {
	return optionFunc(func(c *config) error {
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
	return optionFunc(func(c *config) error {
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
	return optionFunc(func(c *config) error {
		if timeout <= 0 {
			return fmt.Errorf("a verification of %s; it must be positive", timeout)
		}
		c.timeout = timeout
		return nil
	})
}

// WithResourceMetadata names the URL of the protected-resource metadata in every challenge (RFC 9728 §5.1). Default: none.
func WithResourceMetadata(address string) Option {
	return optionFunc(func(c *config) error {
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
	c := config{size: DefaultCacheSize, age: DefaultCacheAge, timeout: DefaultVerifyTimeout}
	var mistakes []error
	for _, option := range options {
		if option == nil {
			mistakes = append(mistakes, errors.New("interceptor: an option is nil"))
			continue
		}
		if err := option.apply(&c); err != nil {
			mistakes = append(mistakes, fmt.Errorf("interceptor: %w", err))
		}
	}
	var bind []policy.BindOption
	if c.feed != nil {
		bind = append(bind, policy.WithRevocations())
	}
	bound, err := rules.Bind(verifiers.Forms(), bind...)
	mistakes = append(mistakes, err, verifiers.Err())
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	remembered, err := cache.New(c.size, c.age, c.timeout)
	if err != nil {
		return nil, fmt.Errorf("interceptor: %w", err)
	}
	if c.log != nil || c.debug {
		c.observers = append(c.observers, NewLogObserver(c.log, c.debug))
	}
	g := &Guard{rules: bound, verifiers: verifiers, cache: remembered, observers: c.observers, metadata: c.metadata}
	if c.feed != nil {
		g.revocations = newRevocations(c.feed, c.age+c.timeout)
	}
	return g, nil
}

// Close ends what the guard started, and waits for that. Calls that are under way, and later ones, are decided as before; with
// [WithRevocations] only as long as it says of a feed that is not heard any more.
func (g *Guard) Close() {
	if g != nil {
		g.revocations.close()
		g.cache.Close()
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
