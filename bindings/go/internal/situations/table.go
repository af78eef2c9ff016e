package situations

import (
	"net/http"
	"time"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

// Ways are the ways to send a request: an http.Client over nacosauth.Transport, the same below oauth2.Transport,
// oauth2.Transport with nothing but the source of tokens, and nacosauth.Client.Do.
var Ways = []string{"transport", "oauth2 over it", "oauth2 alone", "do"}

// Situation is a row of the table. The cells, one for each of Ways, say what becomes of the request: the status of the answer,
// how often it came to the client's server, and whether another host got a token. "-" is a cell that cannot be.
type Situation struct {
	Name  string
	Cells [4]string

	method     string
	body       body
	header     http.Header
	behave     behaviour
	tokenIn    nacosauth.TokenIn
	loginHangs bool
	timeout    time.Duration // of the http.Client
	deadline   time.Duration // of the context
	abroad     bool          // it is sent to the foreign host in the first place
	stream     bool          // the answer has no end: its beginning is read
}

type body int

const (
	noBody body = iota
	bytesReader
	bytesBuffer
	stringsReader
	httpNoBody
	file
	fileWithGetBody
	pipe
)

func (b body) text() string {
	if b == noBody || b == httpNoBody {
		return ""
	}
	return "dataId=a&group=b&content=c"
}

const (
	expired    = `{"status":403,"error":"Forbidden","message":"token expired!"}`
	forbidden  = `{"status":403,"error":"Forbidden","message":"authorization failed!"}`
	jwtExpired = "Server failed,JWT expired at 2026-01-01"
)

// All is the table.
func All() []Situation {
	worded, wordless := says(403, expired), says(403, "")
	post := http.MethodPost
	all := []Situation{
		{Name: "accepted", behave: ok, Cells: [4]string{"200 x1", "200 x1", "200 x1", "200 x1"}},
		{Name: "refused in words", behave: first(1, worded, ok), Cells: [4]string{"200 x2", "200 x2", "403 x1", "200 x2"}},
		{Name: "refused in words as 401", behave: first(1, says(401, expired), ok), Cells: [4]string{"200 x2", "200 x2", "401 x1", "200 x2"}},
		{Name: "refused in words as 500", behave: first(1, says(500, jwtExpired), ok), Cells: [4]string{"200 x2", "200 x2", "500 x1", "200 x2"}},
		{Name: "POST refused in words, compressed", method: post, body: stringsReader, behave: first(1, compressed(403, expired), ok),
			Cells: [4]string{"200 x2", "200 x2", "403 x1", "200 x2"}},
		{Name: "POST refused in words, compressed for the caller", method: post, body: stringsReader,
			header: http.Header{"Accept-Encoding": {"gzip"}}, behave: first(1, compressed(403, expired), ok),
			Cells: [4]string{"200 x2", "200 x2", "403 x1", "200 x2"}},
		{Name: "no permission, compressed for the caller", header: http.Header{"Accept-Encoding": {"gzip"}}, behave: compressed(403, forbidden),
			Cells: [4]string{"403 x1", "403 x1", "403 x1", "403 x1"}},
		{Name: "a 500 with the words of a 403", behave: first(1, says(500, "token expired!"), ok), Cells: [4]string{"500 x1", "500 x1", "500 x1", "500 x1"}},
		{Name: "a 500 of its own", behave: first(1, says(500, "caused: null"), ok), Cells: [4]string{"500 x1", "500 x1", "500 x1", "500 x1"}},
		{Name: "no permission", behave: says(403, forbidden), Cells: [4]string{"403 x1", "403 x1", "403 x1", "403 x1"}},
		{Name: "throttled", behave: says(429, "", "Retry-After", "1"), Cells: [4]string{"429 x1", "429 x1", "429 x1", "429 x1"}},
		{Name: "away for a while", behave: says(503, "", "Retry-After", "x\xff"), Cells: [4]string{"503 x1", "503 x1", "503 x1", "503 x1"}},
		{Name: "refused without words", behave: first(1, wordless, ok), Cells: [4]string{"200 x2", "200 x2", "403 x1", "200 x2"}},
		{Name: "refused without words as 401", behave: first(1, says(401, ""), ok), Cells: [4]string{"200 x2", "200 x2", "401 x1", "200 x2"}},
		{Name: "POST refused without words", method: post, body: stringsReader, behave: first(1, wordless, ok),
			Cells: [4]string{"403 x1", "403 x1", "403 x1", "403 x1"}},
		{Name: "POST with a key refused without words", method: post, body: stringsReader, header: http.Header{"Idempotency-Key": {"1"}},
			behave: first(1, wordless, ok), Cells: [4]string{"200 x2", "200 x2", "403 x1", "-"}},
		{Name: "refused, Expect: 100-continue", method: post, body: stringsReader, header: http.Header{"Expect": {"100-continue"}},
			behave: first(1, worded, ok), Cells: [4]string{"200 x2", "200 x2", "403 x1", "-"}},
		{Name: "refused, Expect: 100-continue, a pipe", method: post, body: pipe, header: http.Header{"Expect": {"100-continue"}},
			behave: first(1, worded, ok), Cells: [4]string{"403 x1", "403 x1", "403 x1", "-"}},
		{Name: "a connection that breaks", behave: first(1, breaks, ok), Cells: [4]string{"error x1", "error x1", "error x1", "200 x2"}},
		{Name: "POST, a connection that breaks", method: post, body: stringsReader, behave: first(1, breaks, ok),
			Cells: [4]string{"error x1", "error x1", "error x1", "error x1"}},
		{Name: "refused, then a connection that breaks", method: post, body: stringsReader, behave: first(1, worded, first(1, breaks, ok)),
			Cells: [4]string{"error x2", "error x2", "403 x1", "error x2"}},
		{Name: "an endless answer", behave: endless(200, "good", 0), stream: true, Cells: [4]string{"200 x1", "200 x1", "200 x1", "-"}},
		{Name: "a dripping answer", behave: endless(200, "good", 20*time.Millisecond), stream: true, Cells: [4]string{"200 x1", "200 x1", "200 x1", "-"}},
		{Name: "an endless 500", behave: endless(500, "good", 0), stream: true, Cells: [4]string{"500 x1", "500 x1", "500 x1", "-"}},
		{Name: "a dripping 500", behave: endless(500, "good", 20*time.Millisecond), stream: true, Cells: [4]string{"500 x1", "500 x1", "500 x1", "-"}},
		{Name: "a 500 that stands still", behave: endless(500, "good", time.Hour), stream: true, Cells: [4]string{"500 x1", "500 x1", "500 x1", "-"}},
		{Name: "an endless refusal", behave: first(1, endless(403, expired, 0), ok), Cells: [4]string{"200 x2", "200 x2", "-", "-"}},
		{Name: "a refusal that stands still", behave: first(1, endless(403, expired, time.Hour), ok), Cells: [4]string{"200 x2", "200 x2", "-", "-"}},
		{Name: "the client's time-out, in a login", behave: ok, loginHangs: true, timeout: 300 * time.Millisecond,
			Cells: [4]string{"timeout", "timeout", "timeout", "-"}},
		{Name: "the context's deadline, in a login", behave: ok, loginHangs: true, deadline: 300 * time.Millisecond,
			Cells: [4]string{"timeout", "timeout", "timeout", "timeout"}},
		{Name: "the wrong host", abroad: true, behave: ok, Cells: [4]string{"200 abroad:bare", "200 abroad:bare", "200 abroad:TOKEN", "-"}},
		{Name: "the wrong host, in the header", abroad: true, behave: ok, tokenIn: nacosauth.TokenInHeader,
			Cells: [4]string{"200 abroad:bare", "200 abroad:bare", "200 abroad:TOKEN", "-"}},
	}
	for kind, name := range map[body]string{bytesReader: "bytes.Reader", bytesBuffer: "bytes.Buffer", stringsReader: "strings.Reader",
		httpNoBody: "http.NoBody", fileWithGetBody: "os.File and GetBody"} {
		all = append(all, Situation{Name: "refused, " + name, method: post, body: kind, behave: first(1, worded, ok),
			Cells: [4]string{"200 x2", "200 x2", "403 x1", "200 x2"}})
	}
	for kind, name := range map[body]string{file: "os.File", pipe: "io.Pipe"} { // whose beginning is gone
		all = append(all, Situation{Name: "refused, " + name, method: post, body: kind, behave: first(1, worded, ok),
			Cells: [4]string{"403 x1", "403 x1", "403 x1", "-"}})
	}
	for _, code := range []int{301, 302, 303, 307, 308} {
		name := " " + http.StatusText(code)
		is := func(cells ...string) (all [4]string) {
			copy(all[:], cells)
			for i, cell := range all {
				if cell == "" {
					all[i] = itoa(code) + " x1"
				}
			}
			return all
		}
		all = append(all,
			Situation{Name: "within" + name, behave: first(1, within(code), ok), Cells: is("200 x2", "200 x2", "200 x2")},
			Situation{Name: "without" + name, behave: without(code), Cells: is("200 x1 abroad:bare", "200 x1 abroad:bare", "200 x1 abroad:TOKEN")},
			Situation{Name: "without, in the header" + name, behave: without(code), tokenIn: nacosauth.TokenInHeader,
				Cells: is("200 x1 abroad:bare", "200 x1 abroad:bare", "200 x1 abroad:TOKEN")},
			Situation{Name: "without, in the query" + name, behave: without(code), tokenIn: nacosauth.TokenInQuery,
				Cells: is("200 x1 abroad:bare", "200 x1 abroad:bare", "200 x1 abroad:TOKEN")},
			Situation{Name: "without and back" + name, behave: first(1, thereAndBack(code), ok),
				Cells: is("200 x2 abroad:bare", "200 x2 abroad:bare", "200 x2 abroad:TOKEN")},
			Situation{Name: "refused, then within" + name, behave: first(1, worded, first(1, within(code), ok)),
				Cells: is("200 x3", "200 x3", "403 x1", itoa(code)+" x2")},
			Situation{Name: "refused, then without" + name, behave: first(1, worded, without(code)),
				Cells: is("200 x2 abroad:bare", "200 x2 abroad:bare", "403 x1", itoa(code)+" x2")},
			Situation{Name: "within, then refused" + name, behave: first(1, within(code), first(1, worded, ok)),
				Cells: is("200 x3", "200 x3", "403 x2")},
			Situation{Name: "within, refused, then without" + name, behave: first(1, within(code), first(1, worded, without(code))),
				Cells: is("200 x3 abroad:bare", "200 x3 abroad:bare", "403 x2")},
		)
		if code >= 307 { // the body goes along
			all = append(all, Situation{Name: "POST, within, then refused" + name, method: post, body: bytesReader,
				behave: first(1, within(code), first(1, worded, ok)), Cells: is("200 x3", "200 x3", "403 x2")},
				Situation{Name: "POST, a pipe, within" + name, method: post, body: pipe, behave: first(1, within(code), ok),
					Cells: is("", "", "", "-")})
		}
	}
	return all
}
