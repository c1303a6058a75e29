// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package checked hands on what one package of this module has checked to another, so that nothing is checked twice on the way of a call.
//
// It checks nothing itself: who makes one of its values answers for it. Nobody outside the module can.
package checked

// An Object is the text of one JSON object of good syntax. The zero Object is no object at all. It is immutable.
type Object struct{ text string }

// NewObject says that a text is one JSON object and nothing else. Only who has read it to its end may say so.
func NewObject(text string) Object { return Object{text: text} }

// Text returns the text, or "" when there is no object.
func (o Object) Text() string { return o.text }
