// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"fmt"
	"strings"
)

// A resource is a compiled resource-name pattern: literal segments, one capture, and perhaps a tail.
type resource struct {
	segments []string // the capture's place holds "{}"
	tail     bool     // ends in **
}

const (
	capture = "{}"
	tail    = "**"
)

func parseResource(pattern string) (*resource, error) {
	if strings.HasPrefix(pattern, "/") {
		return nil, fmt.Errorf("pattern %q begins with a slash; write it without", pattern)
	}
	r := &resource{segments: strings.Split(pattern, "/")}
	captures := 0
	for i, segment := range r.segments {
		switch {
		case segment == "":
			return nil, fmt.Errorf("pattern %q has an empty segment", pattern)
		case segment == capture:
			captures++
		case segment == tail && i == len(r.segments)-1:
			r.tail = true
		case strings.ContainsAny(segment, "{}*"):
			return nil, fmt.Errorf("pattern %q has the segment %q; only {} and a last ** are special, and each is a whole segment", pattern, segment)
		}
	}
	if captures != 1 {
		return nil, errors.New("pattern " + fmt.Sprintf("%q has %d captures; write {} exactly once", pattern, captures))
	}
	if r.tail {
		r.segments = r.segments[:len(r.segments)-1]
	}
	return r, nil
}

// capture returns what the value has in the place of the capture; ok is false when the value does not match, or has an empty segment.
func (r *resource) capture(value string) (captured string, ok bool) {
	rest, more := value, true
	for _, want := range r.segments {
		if !more {
			return "", false
		}
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		switch {
		case segment == "":
			return "", false
		case want == capture:
			captured = segment
		case want != segment:
			return "", false
		}
	}
	if more && !r.tail {
		return "", false
	}
	for more {
		var segment string
		if segment, rest, more = strings.Cut(rest, "/"); segment == "" {
			return "", false
		}
	}
	return captured, true
}
