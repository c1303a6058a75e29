// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"google.golang.org/protobuf/reflect/protoreflect"
)

// An Option says what [New] makes rules of.
type Option interface {
	apply(b *builder)
}

type optionFunc func(*builder)

func (f optionFunc) apply(b *builder) { f(b) }

// Serve names the services of .proto files as served: each of their methods must have a rule, and each kind that a rule accepts a
// verifier. Services that a program only calls are not served. A nil file is a mistake.
func Serve(files ...protoreflect.FileDescriptor) Option {
	return optionFunc(func(b *builder) {
		for _, file := range files {
			if file == nil {
				b.mistake(place{file: "policy.Serve"}, "a file descriptor is nil")
				continue
			}
			if file.Services().Len() == 0 {
				b.mistake(place{file: file.Path()}, "the file declares no service; serve the one that does")
			}
			for i := range file.Services().Len() {
				b.serve(file.Services().Get(i))
			}
		}
	})
}

// ServeService names single services as served, where a file declares others that the program does not serve.
func ServeService(services ...protoreflect.ServiceDescriptor) Option {
	return optionFunc(func(b *builder) {
		for _, service := range services {
			if service == nil {
				b.mistake(place{file: "policy.ServeService"}, "a service descriptor is nil")
				continue
			}
			b.serve(service)
		}
	})
}

// For gives a rule to procedures that carry none. The pattern is "/package.Service/Method", "/package.Service/*" for every method of a
// service, or "/package.*" for every service of a package but not of its children; the most specific pattern wins, and the same
// pattern twice is a mistake.
//
// A pattern that names a service serves it; its generated code must be linked. A pattern never replaces an annotation: one that names an
// annotated method exactly is a mistake (use [Override]), and wider ones leave it alone.
func For(pattern string, rule Rule) Option {
	return optionFunc(func(b *builder) { b.give(FromFor, pattern, rule) })
}

// Override replaces the rule of one procedure, "/package.Service/Method", annotated or not. It shows in [Procedure.Source].
func Override(procedure string, rule Rule) Option {
	return optionFunc(func(b *builder) { b.give(FromOverride, procedure, rule) })
}

// Unannotated gives a rule to every served method that has none of its own, no default, and none from [For]: Unannotated(Public()) is
// public-first, Unannotated(Allow(Any())) protected-first. Without it such a method is a mistake.
func Unannotated(rule Rule) Option {
	return optionFunc(func(b *builder) {
		if b.unannotated != nil {
			b.mistake(place{file: FromUnannotated.String()}, "given twice; give one rule")
			return
		}
		b.unannotated = &rule
		for _, text := range checkRule(rule.message) {
			b.mistake(place{file: FromUnannotated.String()}, "%s", text)
		}
	})
}
