//go:build e2e

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// webui works in MLflow's web page through a collector's endpoint, with the scenes of test/webui.
func (s *stack) webui(c *collector, args ...string) {
	s.t.Helper()
	args = append([]string{
		"--base-url", c.feedback, "--mlflow", tracking.URL, "--otlp", c.URL, "--experiment", s.experiment,
		"--check", "has_disclaimer",
	}, args...)
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		args = append(args, "--screenshots", filepath.Join(dir, s.t.Name()))
	}
	s.t.Logf("%s", python(s.t, 3*time.Minute, filepath.Join("..", "webui"), args...))
}

// TestWebUI is somebody on the collector's own machine, whom nobody asks for a name.
func TestWebUI(t *testing.T) {
	s := newStack(t)
	s.webui(s.collector("collector", nil, "config/feedback-api.yaml"), "feedback", "inert")
}

// TestWebUIOfATeam is a person who signs in: the page calls them "User", MLflow and Redis by their name.
func TestWebUIOfATeam(t *testing.T) {
	s := newStack(t)
	certificate, key := s.certificate()
	passwords := filepath.Join(s.dir, "htpasswd")
	require.NoError(t, os.WriteFile(passwords, []byte("ada:example\n"), 0o600))
	c := s.collector("collector", map[string]string{
		"TLS_CERT_FILE": certificate, "TLS_KEY_FILE": key, "HTPASSWD_FILE": passwords, "REDIS_INSECURE": "true",
	}, "config/team.yaml")
	c.feedback = strings.Replace(c.feedback, "http:", "https:", 1)
	s.webui(c, "feedback", "own-queue", "ruled-queue", "--user", "ada:example", "--queue", "failed_disclaimer")
}

// certificate writes one for this machine that nobody vouches for, and returns the files of it and of its key.
func (s *stack) certificate() (certificateFile, keyFile string) {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(s.t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(s.t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(s.t, err)
	write := func(name, kind string, content []byte) string {
		file := filepath.Join(s.dir, name)
		require.NoError(s.t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600))
		return file
	}
	return write("tls.crt", "CERTIFICATE", certificate), write("tls.key", "PRIVATE KEY", private)
}
