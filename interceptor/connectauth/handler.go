// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package connectauth

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/admitrpc/admit/interceptor"
)

// Handler wraps the mux that guarded handlers are mounted on. It is optional: without it a challenge to a gRPC caller travels in the
// ErrorInfo instead of a header, the host that was called is not known to a resolver of tenants or a protection of cookies, and a stream
// over HTTP/1.1 that is refused, or ended while its handler is blocked in Receive, is answered only when its client sends or leaves. Over
// HTTP/2 streams end on time either way.
func Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), accessKey{}, &access{
			writer: w, host: r.Host, of: r.Header, waits: r.ProtoMajor == 1 && strings.HasPrefix(r.Header.Get("Content-Type"), streaming),
		})))
	})
}

// streaming begins the content types of streams that can come over HTTP/1.1.
const streaming = "application/connect+"

type accessKey struct{}

// access is the response of a request, for the guard. It belongs to the goroutine of its handler.
type access struct {
	writer http.ResponseWriter
	host   string      // of the request
	of     http.Header // of the request
	waits  bool        // the answer is sent only when the request has been read, as net/http does with streams over HTTP/1.1
}

// stopReading makes reads of the request fail from now on. A writer that cannot do that is one that Handler does not help.
func (a *access) stopReading() {
	_ = http.NewResponseController(a.writer).SetReadDeadline(time.Unix(1, 0)) // long past
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

// authorityOf returns the host that was called, where [Handler] knows it.
func authorityOf(ctx context.Context, header http.Header) string {
	a, ok := accessOf(ctx, header)
	if !ok {
		return ""
	}
	return a.host
}

// endReads makes reads of the request fail when the stream ends before its handler returned. The result ends the watch, and must be
// called before the handler returns, since the response is not to be used after.
func endReads(ctx context.Context, header http.Header, stream *interceptor.Stream) (stop func()) {
	a, ok := accessOf(ctx, header)
	if !ok {
		return func() {}
	}
	done := make(chan struct{})
	unwatch := context.AfterFunc(stream.Context(), func() {
		defer close(done)
		a.stopReading()
	})
	return func() {
		if !unwatch() {
			<-done
		}
	}
}
