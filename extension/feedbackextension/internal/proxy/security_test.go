package proxy

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPathTricks sends request lines as they are: a client would tidy them up.
func TestPathTricks(t *testing.T) {
	t.Parallel()
	mlflow := startUpstream(t, ok)
	f := startFront(t, mlflow.URL+"/mlflow", nil)
	address := f.Listener.Addr().String()
	for _, target := range []string{
		"/..", "/../", "/.", "/a/../b", "/a/..", "/./a", "/mlflow/../admin", "/mlflow/..", "/..;/a", "/a/..;x=1/b",
		"/%2e%2e/a", "/.%2e/a", "/%2E./a", "/%2e", "/mlflow/%2e%2e/admin", "/%252e%252e/a", "/a%252fb",
		"/a%2fb", "/a%2Fb", "/%2f%2fevil.com", "/a%5cb", "/a%5C..%5cb", "/a\\b", "/\\evil.com", "/a%255cb",
		"//evil.com/a", "/a//b", "///", "/mlflow//api", "/%00", "/a%0d%0aX:%20y", "/a%09", "/%7f", "/%ff",
		"/api/2.0/mlflow-artifacts/artifacts/..%2f..%2fetc", "/api/2.0/mlflow-artifacts/artifacts/%2fetc",
		"/api/2.0/mlflow-artifacts/artifacts/a%5cb",
		"/api/3.0/mlflow%2ftraces/tr-" + firstTrace + "/assessments",
		"//api/3.0/mlflow/traces/tr-" + firstTrace + "/assessments",
	} {
		status, body := raw(t, address, "POST "+target+" HTTP/1.1\nHost: localhost\nConnection: close\nContent-Length: 0\n\n")
		assert.Equal(t, "HTTP/1.1 400 Bad Request", status, target)
		assert.Contains(t, body, `"error_code":"INVALID_PARAMETER_VALUE"`, target)
	}
	for _, target := range []string{"evil", "*", "/%zz", "/a b"} {
		status, _ := raw(t, address, "GET "+target+" HTTP/1.1\nHost: localhost\nConnection: close\n\n")
		assert.Equal(t, "HTTP/1.1 400 Bad Request", status, target)
	}
	assert.Empty(t, mlflow.requests())
}

func TestPaths(t *testing.T) {
	t.Parallel()
	tests := []struct{ prefix, target, want string }{
		{"", "/", "/"},
		{"", "/api/3.0/mlflow/server-info", "/api/3.0/mlflow/server-info"},
		{"", "/static-files/", "/static-files/"},
		{"", "/x?a=%2f..%2F&b;c=%zz&d", "/x?a=%2f..%2F&b;c=%zz&d"},
		{"", "/x?", "/x?"},
		{"", "/ajax-api/2.0/mlflow/get-artifact?path=a%2Fb", "/ajax-api/2.0/mlflow/get-artifact?path=a%2Fb"},
		{"", "/api/2.0/mlflow-artifacts/artifacts/0/a%2Fb%20c/d..e", "/api/2.0/mlflow-artifacts/artifacts/0/a%2Fb%20c/d..e"},
		{"", "/a/...", "/a/..."},
		{"", "/m%2Ex", "/m%2Ex"},
		{"", "/100%25", "/100%25"},
		{"", "/%C3%BC", "/%C3%BC"},
		{"/mlflow", "/", "/mlflow/"},
		{"/mlflow", "/health", "/mlflow/health"},
		{"/mlflow/", "/health", "/mlflow/health"},
		{"/mlflow", "/mlflow", "/mlflow"},
		{"/mlflow", "/mlflow/", "/mlflow/"},
		{"/mlflow", "/mlflow/health?q", "/mlflow/health?q"},
		{"/mlflow", "/mlflowers", "/mlflow/mlflowers"},
		{"/mlflow", "/%6dlflow/health", "/%6dlflow/health"},
		{"/a%20b", "/m%2Ex", "/a%20b/m%2Ex"},
		{"/a%20b", "/a%20b/m", "/a%20b/m"},
	}
	for _, test := range tests {
		t.Run(test.prefix+test.target, func(t *testing.T) {
			t.Parallel()
			mlflow := startUpstream(t, ok)
			f := startFront(t, mlflow.URL+test.prefix, nil)
			status, _ := raw(t, f.Listener.Addr().String(), "GET "+test.target+" HTTP/1.1\nHost: localhost\nConnection: close\n\n")
			assert.Equal(t, "HTTP/1.1 200 OK", status)
			assert.Equal(t, test.want, mlflow.last(t).target)
		})
	}
}

// TestNeverElsewhere asks for other hosts in all ways that HTTP has.
func TestNeverElsewhere(t *testing.T) {
	t.Parallel()
	mlflow, elsewhere := startUpstream(t, ok), startUpstream(t, ok)
	f := startFront(t, mlflow.URL, nil)
	address := f.Listener.Addr().String()
	host := elsewhere.Listener.Addr().String()
	_, port, err := net.SplitHostPort(host)
	require.NoError(t, err)
	tests := []struct{ request, status string }{
		{"GET http://evil.com/ HTTP/1.1\nHost: localhost\n", "HTTP/1.1 403 Forbidden"},
		{"GET http://evil.com/ HTTP/1.1\nHost: evil.com\n", "HTTP/1.1 403 Forbidden"},
		{"CONNECT " + host + " HTTP/1.1\nHost: " + host + "\n", "HTTP/1.1 405 Method Not Allowed"},
		{"TRACE / HTTP/1.1\nHost: localhost\n", "HTTP/1.1 405 Method Not Allowed"},
		{"GET / HTTP/1.0\n", "HTTP/1.0 403 Forbidden"},
		{"GET / HTTP/1.1\nHost: localhost\nHost: evil.com\n", "HTTP/1.1 400 Bad Request"},
	}
	for _, test := range tests {
		status, _ := raw(t, address, test.request+"Connection: close\n\n")
		assert.Equal(t, test.status, status, test.request)
	}
	assert.Empty(t, mlflow.requests())
	// Where the name is allowed, the address still is MLflow's.
	for _, target := range []string{"http://localhost:" + port + "/x", "http://user:pw@localhost:" + port + "/x", "http://localhost:" + port} {
		status, _ := raw(t, address, "GET "+target+" HTTP/1.1\nHost: localhost\nConnection: close\n\n")
		assert.Equal(t, "HTTP/1.1 200 OK", status)
		assert.Equal(t, mlflow.Listener.Addr().String(), mlflow.last(t).host)
		assert.Empty(t, mlflow.last(t).header.Get("Authorization"))
	}
	assert.Empty(t, elsewhere.requests())
}

func TestSmuggling(t *testing.T) {
	t.Parallel()
	mlflow := startUpstream(t, ok)
	f := startFront(t, mlflow.URL, func(s *Settings) { s.Strip = []string{"x-remote-user"} })
	address := f.Listener.Addr().String()

	for _, headers := range []string{
		"Content-Length: 5\nContent-Length: 6\n",
		"Content-Length: 5, 6\n",
		"Content-Length: -1\n",
		"Content-Length: +5\n",
		"Content-Length: 0x5\n",
		"Transfer-Encoding: identity, chunked\n",
		"Transfer-Encoding: xchunked\n",
		"Transfer-Encoding: chunked\nTransfer-Encoding: chunked\n",
		"Bad Name: x\n",
		"Bad\x00Name: x\n",
	} {
		status, _ := raw(t, address, "POST /x HTTP/1.1\nHost: localhost\nConnection: close\n"+headers+"\nhello")
		assert.Regexp(t, "^HTTP/1.1 (400|501) ", status, headers)
	}
	assert.Empty(t, mlflow.requests())

	// Both framings at once: the chunks count, and one request with one framing leaves.
	status, _ := raw(t, address, "POST /x HTTP/1.1\nHost: localhost\nConnection: close\nContent-Length: 4\n"+
		"Transfer-Encoding: chunked\n\n5\nhello\n0\n\nGET /smuggled HTTP/1.1\nHost: localhost\n\n")
	assert.Equal(t, "HTTP/1.1 200 OK", status)
	assert.Equal(t, "hello", mlflow.last(t).body)
	assert.Len(t, mlflow.requests(), 1)

	status, _ = raw(t, address, "GET /x HTTP/1.1\nHost: localhost\nConnection: close, X-Hop, X-Forwarded-For, Upgrade\n"+
		"Upgrade: websocket\nX-Hop: 1\nKeep-Alive: 1\nTe: gzip\nProxy-Authorization: Basic eDp5\nProxy-Connection: x\n"+
		"X-Remote-User: root\nX_Remote_User: root\nX-Remote_User: root\nX-Forwarded-For: 1.2.3.4\nX-Forwarded-User: root\n"+
		"X-Forwarded-Prefix: /evil\nX-Forwarded-Proto: gopher\nForwarded: for=1.2.3.4\nX-Real-Ip: 1.2.3.4\n"+
		"Origin: http://localhost\nSec-Fetch-Site: same-origin\nSec-Fetch-Mode: cors\nAuthorization: Basic YTpi\n"+
		"Cookie: a=b\nX-Mlflow-Workspace: w\n\n")
	assert.Equal(t, "HTTP/1.1 200 OK", status)
	got := mlflow.last(t)
	assert.Equal(t, http.Header{
		"X-Forwarded-For": {"1.2.3.4, 127.0.0.1"}, "X-Forwarded-Host": {"localhost"}, "X-Forwarded-Proto": {"http"},
		"Authorization": {"Basic YTpi"}, "Cookie": {"a=b"}, "X-Mlflow-Workspace": {"w"}, "Accept-Encoding": {"identity"},
	}, got.header)
	assert.Equal(t, mlflow.Listener.Addr().String(), got.host)
}

func TestServiceCredentials(t *testing.T) {
	t.Parallel()
	mlflow := startUpstream(t, ok)
	f := startFront(t, mlflow.URL, func(s *Settings) { s.Credentials = CredentialsService })
	f.send(t, http.MethodGet, "/x", "", map[string]string{"Authorization": "Basic YTpi", "Cookie": "a=b"})
	assert.NotContains(t, mlflow.last(t).header, "Authorization")
	assert.NotContains(t, mlflow.last(t).header, "Cookie")
}

func TestSessionOfTheService(t *testing.T) {
	t.Parallel()
	mlflow := startUpstream(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Set-Cookie", "session=service") })
	for credentials, kept := range map[Credentials]bool{CredentialsService: false, CredentialsCaller: true} {
		f := startFront(t, mlflow.URL, func(s *Settings) { s.Credentials = credentials })
		response, _ := f.send(t, http.MethodGet, "/x", "", nil)
		assert.Equal(t, kept, response.Header.Get("Set-Cookie") != "")
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	mlflow := startUpstream(t, ok)
	f := startFront(t, mlflow.URL, nil)
	for _, method := range []string{"post", "Post", "PoST", "delete", "TRACE", "PROPFIND"} {
		response, body := f.send(t, method, apiTraces, `{"trace": {"trace_info": {"assessments": []}}}`, nil)
		assertRefused(t, http.StatusMethodNotAllowed, response, body)
	}
	assert.Empty(t, mlflow.requests())
}

// What is read whole is bounded in size, unpacked as it is, and in number.
func TestWholeBodiesAreBounded(t *testing.T) {
	t.Parallel()
	mlflow := startUpstream(t, ok)
	f := startFront(t, mlflow.URL, func(s *Settings) { s.MaxWhole, s.MaxRows = 1000, 3 })
	ada := map[string]string{"X-Test-User": "ada"}
	rows := func(n int) string {
		return `{"trace": {"trace_info": {"assessments": [` + strings.Repeat(`{},`, n-1) + `{}]}}}`
	}
	for _, tt := range []struct {
		path, body string
		status     int
	}{
		{apiTraces + "/delete-traces", `{"request_ids": ["` + strings.Repeat("x", 1000) + `"]}`, http.StatusRequestEntityTooLarge},
		{apiTraces, rows(400), http.StatusRequestEntityTooLarge},
		{apiTraces, rows(4), http.StatusBadRequest},
	} {
		response, body := f.send(t, http.MethodPost, tt.path, tt.body, ada)
		assertRefused(t, tt.status, response, body)
	}
	assert.Empty(t, mlflow.requests())
	response, _ := f.send(t, http.MethodPost, apiTraces, rows(3), ada)
	assert.Equal(t, http.StatusOK, response.StatusCode)
	response, _ = f.send(t, http.MethodPost, "/api/2.0/mlflow/artifacts", strings.Repeat("x", 2000), ada)
	assert.Equal(t, http.StatusOK, response.StatusCode, "what is passed on as it comes")
}

func TestForeignOriginAndHost(t *testing.T) {
	t.Parallel()
	mlflow := startUpstream(t, ok)
	f := startFront(t, mlflow.URL, nil)
	for _, header := range []map[string]string{
		{"Origin": "https://evil.com"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "rebound.evil.com"},
	} {
		response, body := f.send(t, http.MethodPost, uiTraces+"/search", "{}", header)
		assertRefused(t, http.StatusForbidden, response, body)
	}
	response, body := f.send(t, http.MethodGet, "/", "", map[string]string{"Host": "rebound.evil.com:5080"})
	assertRefused(t, http.StatusForbidden, response, body)
	assert.Empty(t, mlflow.requests())
}

func TestAssessmentsAreNotPassedOn(t *testing.T) {
	t.Parallel()
	mlflow := startUpstream(t, ok)
	f := startFront(t, mlflow.URL+"/mlflow", nil)
	for _, prefix := range []string{apiTraces, uiTraces, "/mlflow" + apiTraces, "/%61pi/3.0/mlflow/traces"} {
		for _, trace := range []string{"tr-" + firstTrace, "TR-" + firstTrace, "tr-ABCDEF00000000000000000000000001"} {
			response, body := f.send(t, http.MethodPost, prefix+"/"+trace+"/assessment%73", "{}", nil)
			assertRefused(t, http.StatusNotFound, response, body)
			for _, method := range []string{http.MethodPatch, http.MethodDelete} {
				response, body = f.send(t, method, prefix+"/"+trace+"/assessments/a-1", "{}", nil)
				assertRefused(t, http.StatusNotFound, response, body)
			}
		}
	}
	assert.Empty(t, mlflow.requests())

	// What is not in Redis is MLflow's, in the caller's name.
	body := `{"assessment":{"assessment_name":"n","source":{"source_type":"HUMAN","source_id":"boss"}}}`
	f.send(t, http.MethodPost, apiTraces+"/other/assessments", body, map[string]string{"X-Test-User": "ann"})
	assert.JSONEq(t, `{"assessment":{"assessment_name":"n","source":{"source_type":"HUMAN","source_id":"ann"}}}`, mlflow.last(t).body)
	f.send(t, http.MethodPost, apiTraces+"/other/assessments", body, map[string]string{"X-Test-User": "robot"})
	assert.Equal(t, body, mlflow.last(t).body)
}
