// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package clerk

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/admitrpc/admit/tokens"
)

// The environments of instances, as keys spell them.
var environments = []string{"test", "live"}

// frontendHost returns the host of the instance's Frontend API, which a publishable key has after "pk_test_" or "pk_live_": the base64 of the
// host and a dollar sign, with or without padding.
func frontendHost(publishableKey string) (string, error) {
	environment := environmentOf(publishableKey, "pk_")
	if environment == "" {
		return "", errors.New("the publishable key does not begin with pk_test_ or pk_live_; copy it from the API keys of the instance")
	}
	encoded := strings.TrimPrefix(publishableKey, "pk_"+environment+"_")
	encoding := base64.RawStdEncoding
	if strings.HasSuffix(encoded, "=") {
		encoding = base64.StdEncoding
	}
	text, err := encoding.Strict().DecodeString(encoded)
	if err != nil || strings.ContainsAny(encoded, "\r\n") {
		return "", errors.New("the publishable key is cut off or changed: its end is not base64; copy it whole")
	}
	host, dollar := strings.CutSuffix(string(text), "$")
	if !dollar || !validHost(host) {
		return "", errors.New("the publishable key is cut off or changed: it does not have a host and a dollar sign; copy it whole")
	}
	return host, nil
}

// environmentOf returns "test" or "live", or "" of a text that is no such key.
func environmentOf(key, prefix string) string {
	for _, environment := range environments {
		if strings.HasPrefix(key, prefix+environment+"_") {
			return environment
		}
	}
	return ""
}

// validHost reports whether a text is a host name of two labels or more, in lower case, as issuers are compared (RFC 1123 §2.1).
func validHost(host string) bool {
	labels := strings.Split(host, ".")
	return len(host) <= 253 && len(labels) > 1 && !slices.ContainsFunc(labels, func(label string) bool {
		return label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != ""
	})
}

// checkSecret refuses what cannot be a secret key, without telling it.
func checkSecret(key, publishableKey string) error {
	switch environment, other := environmentOf(key, "sk_"), environmentOf(publishableKey, "pk_"); {
	case key == "":
		return errors.New("no secret key; copy it from the API keys of the instance")
	case environmentOf(key, "pk_") != "":
		return errors.New("the secret key is a publishable key; give New the publishable key first, and then the secret key")
	case !tokens.ValidBearer(key):
		return errors.New("the secret key has characters that no key has, such as a space or a line break; copy it anew")
	case environment != "" && other != "" && environment != other:
		return fmt.Errorf("the secret key is that of a %s instance, and the publishable key that of a %s one; give both of one instance", environment, other)
	default:
		return nil
	}
}

// checkURL refuses a URL whose answers could be changed on their way, and one with parts that would be lost.
func checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return errors.New("it is not a URL with a host, such as https://api.example.com")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#"):
		return errors.New("it has a user, a query or a fragment; leave it out")
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		return errors.New("it is not https, which only a loopback address need not be")
	default:
		return nil
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
