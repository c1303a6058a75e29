// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"
)

// errInterrupted ends a tour that was not made to its end.
var errInterrupted = errors.New("interrupted")

// printTour makes every visit and prints what became of it. It is an error if one differs from what was expected.
func printTour(ctx context.Context, s *screen, d *demo, stops []stop) error {
	s.heading("A tour: real calls over real sockets")
	s.line("connect, grpc and grpc-web go to %s, grpc-go goes to %s.", d.url, d.grpcAddr)
	s.line("Compared are the code and the reason of a refusal, and what an answer says.")
	s.line("")
	widths := tourWidths(stops)
	s.row(widths, cell{"procedure", faint}, cell{"caller", faint}, cell{"protocol", faint}, cell{"expected", faint}, cell{"actual", faint}, cell{})
	visits, differed, service := 0, 0, ""
	for _, stop := range stops {
		if name := string(stop.method.Parent().FullName()); name != service {
			service = name
			s.row(nil, cell{service, bold})
		}
		method := "  " + string(stop.method.Name())
		for _, v := range stop.visits {
			got := v.call(ctx, d.clients, v.over, d.credentials[v.caller])
			if ctx.Err() != nil {
				return errInterrupted
			}
			visits++
			mark := cell{"ok", green}
			if got != v.want {
				mark = cell{"DIFFERS", red}
				differed++
			}
			s.row(widths, cell{method, plain}, cell{v.who(), plain}, cell{string(v.over), faint},
				cell{v.want.String(), faint}, cell{got.String(), plain}, mark)
			method = ""
		}
	}
	if differed > 0 {
		return fmt.Errorf("%d of %d calls did not end as expected", differed, visits)
	}
	s.line("\n%s", s.styled(green, fmt.Sprintf("All %d calls ended as expected.", visits)))
	return nil
}

func tourWidths(stops []stop) []int {
	widths := make([]int, 5)
	fit := func(column int, text string) { widths[column] = max(widths[column], utf8.RuneCountInString(text)) }
	for _, stop := range stops {
		fit(0, "  "+string(stop.method.Name()))
		for _, v := range stop.visits {
			fit(1, v.who())
			fit(2, string(v.over))
			fit(3, v.want.String())
			fit(4, v.want.String())
		}
	}
	return widths
}
