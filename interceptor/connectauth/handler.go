// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package connectauth

import (
	"context"
	"net/http"
	"time"

	"github.com/admitrpc/admit/interceptor"
)

// Handler wraps the mux that guarded handlers are mounted on. It is optional: without it a challenge to a gRPC caller travels in the
// ErrorInfo instead of a header, and a stream over HTTP/1.1 whose handler is blocked in Receive is answered only when its client sends or
// leaves. Over HTTP/2 streams end on time either way.
func Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), accessKey{}, &access{writer: w, of: r.Header})))
	})
}

type accessKey struct{}

// access is the response of a request, for the guard. It belongs to the goroutine of its handler.
type access struct {
	writer http.ResponseWriter
	of     http.Header // of the request
}

// accessOf returns the access to the response of the request with that header. A call inside a call inherits the context of the other,
// but not its response.
func accessOf(ctx context.Context, header http.Header) (*access, bool) {
	a, ok := ctx.Value(accessKey{}).(*access)
	if !ok || identity(a.of) != identity(header) {
		return nil, false
	}
	return a, true
}

// endReads makes reads of the request fail when the stream ends before its handler returned. The result ends the watch, and must be
// called before the handler returns, since the response is not to be used after.
func endReads(ctx context.Context, header http.Header, stream *interceptor.Stream) (stop func()) {
	a, ok := accessOf(ctx, header)
	if !ok {
		return func() {}
	}
	controller := http.NewResponseController(a.writer)
	done := make(chan struct{})
	unwatch := context.AfterFunc(stream.Context(), func() {
		defer close(done)
		_ = controller.SetReadDeadline(time.Unix(1, 0)) // long past; a writer that cannot is one that Handler does not help
	})
	return func() {
		if !unwatch() {
			<-done
		}
	}
}
