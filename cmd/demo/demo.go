// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

// A demo is everything that runs: the issuers of tokens, the guard, and the two servers behind it.
type demo struct {
	issuer, other *tokenstest.Issuer
	keys          *keyFile
	guard         *interceptor.Guard
	page          *page
	servers       *servers
	clients       *clients
	credentials   map[string]string
	url, grpcAddr string
	origins       origins
}

// start starts serving. Whoever gets a demo stops it; on an error there is nothing to stop.
func start(ctx context.Context, connectAddress, grpcAddress, keyPath string, allowed origins, debug io.Writer) (d *demo, err error) {
	forConnect, forGRPC, err := listen(ctx, connectAddress, grpcAddress)
	if err != nil {
		return nil, err
	}
	d = &demo{url: "http://" + reachable(forConnect.Addr()), grpcAddr: reachable(forGRPC.Addr()), origins: allowed}
	if err := d.prepare(ctx, keyPath, debug); err != nil {
		_, _ = forConnect.Close(), forGRPC.Close()
		d.stop()
		return nil, err
	}
	d.serve(forConnect, forGRPC)
	return d, nil
}

// reachable is the address to call a listener at; one that listens on all addresses is called on the loopback.
func reachable(address net.Addr) string {
	if tcp, ok := address.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
	}
	return address.String()
}

func (d *demo) prepare(ctx context.Context, keyPath string, debug io.Writer) (err error) {
	if d.issuer, err = tokenstest.StartIssuer(); err != nil {
		return err
	}
	if d.other, err = tokenstest.StartIssuer(); err != nil {
		return err
	}
	if d.keys, err = openKeys(ctx, keyPath); err != nil {
		return err
	}
	if d.credentials, err = credentials(ctx, d.issuer, d.other, d.keys.keys); err != nil {
		return err
	}
	if d.guard, err = newGuard(d.issuer, d.keys.served, d.origins, debug); err != nil {
		return err
	}
	verifiers, err := newVerifiers(d.issuer, d.keys.served)
	if err != nil {
		return err
	}
	if d.page, err = newPage(d.guard, verifiers, d.credentials); err != nil {
		return err
	}
	d.clients, err = newClients(d.url, d.grpcAddr, d.keys)
	return err
}

func (d *demo) serve(forConnect, forGRPC net.Listener) {
	service := newInvoices(newLedgerClient(d.clients.http2, d.url, d.issuer))
	d.servers = newServers(newMux(d.guard, service, &ledger{}, d.page, d.origins), newGRPC(d.guard, service))
	d.servers.serve(forConnect, forGRPC)
}

// stop ends what was started, the servers first.
func (d *demo) stop() {
	if d.clients != nil {
		d.clients.close()
	}
	if d.servers != nil {
		d.servers.stop()
	}
	d.guard.Close()
	d.keys.close()
	for _, issuer := range []*tokenstest.Issuer{d.issuer, d.other} {
		if issuer != nil {
			_ = issuer.Close()
		}
	}
}

// wait serves until ctx ends or a server fails.
func (d *demo) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-d.servers.failed:
		return fmt.Errorf("stopped serving: %w", err)
	}
}
