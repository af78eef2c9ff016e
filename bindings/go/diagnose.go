package nacosauth

/*
#include <nacos_auth.h>

// Neither of the two for nacos_auth_diagnose: it may call Options.Credentials on its own thread.
#cgo noescape nacos_diagnosis_free
#cgo nocallback nacos_diagnosis_free
#cgo noescape nacosauth_diagnosis
#cgo nocallback nacosauth_diagnosis
#cgo noescape nacosauth_findings
#cgo nocallback nacosauth_findings

typedef struct {
	const char *text;
	const char *json;
	size_t count;
	int32_t severity;
} nacosauth_diagnosis_view;

static void nacosauth_diagnosis(const nacos_diagnosis *diagnosis, nacosauth_diagnosis_view *view) {
	view->text = nacos_diagnosis_text(diagnosis);
	view->json = nacos_diagnosis_json(diagnosis);
	view->count = nacos_diagnosis_count(diagnosis);
	view->severity = nacos_diagnosis_severity(diagnosis);
}

static nacos_status nacosauth_findings(const nacos_diagnosis *diagnosis, nacos_finding *findings, size_t count) {
	nacos_status status = NACOS_OK;
	for (size_t i = 0; i < count && status == NACOS_OK; i++) {
		findings[i] = nacos_finding_default();
		status = nacos_diagnosis_finding(diagnosis, i, &findings[i], NULL);
	}
	return status;
}
*/
import "C"

import (
	"context"
	"fmt"
	"io"
	"strings"
	"unsafe"
)

// Severity is how bad a [Finding] is. More may come; they are ordered.
type Severity int32

const (
	SeverityOK          Severity = C.NACOS_SEVERITY_OK          // as it should be
	SeverityInformation Severity = C.NACOS_SEVERITY_INFORMATION // worth knowing; nothing has to be done
	SeverityWarning     Severity = C.NACOS_SEVERITY_WARNING     // it works, and may not for long, or not well
	SeverityError       Severity = C.NACOS_SEVERITY_ERROR       // it does not work
)

// DiagnoseOptions say what [Diagnose] is to look at besides servers and credentials. The zero value is good.
type DiagnoseOptions struct {
	Method string // of a request that fails; "" means GET

	// Path is that of the request, after the context path, with its query percent-encoded; "" means that there is none. One
	// that may change something (neither GET, HEAD nor OPTIONS) is sent only with SendWrites. No body goes along.
	Path       string `json:"-"`
	SendWrites bool

	// Token is one that a server refuses. No login is made with it.
	Token string `json:"-"`
}

// Format prints the options without the token and the query, whatever the verb.
func (o DiagnoseOptions) Format(f fmt.State, _ rune) {
	path, _, _ := strings.Cut(o.Path, "?")
	io.WriteString(f, fmt.Sprintf("nacosauth.DiagnoseOptions{Method:%q, Path:%q, SendWrites:%t}", o.Method, path, o.SendWrites))
}

// Finding is one step of an examination. It holds no password, token or query.
type Finding struct {
	Severity Severity
	Cause    Cause  // why: CauseHealthy of what is as it should be
	Server   string // the one it is about, as "host:port"; "" if it is about none, or about all of them
	Seen     string // what was seen: the server's own words, times, versions
	Means    string // what it means, in a sentence
	Cure     string // what to do about it, in a sentence
}

// Diagnosis is what an examination found. It holds no password, token or query, so that it can be shown to anybody.
type Diagnosis struct {
	Findings []Finding // in the order in which they were made
	Severity Severity  // of the worst of them
	Text     string    // all of them for people, a paragraph each
	JSON     string    // all of them: {"severity":"error","findings":[{"severity","cause","server","seen","means","cure"}]}
}

// Diagnose finds out whether the options work, and if not, why not: is the server there, is it a Nacos, does it let this user
// in, does it take its own token, do the servers of the list share a secret and a clock; and what is wrong with a token or a
// request. Whatever is wrong is a finding, and no error. It makes connections and logins of its own, at most two logins at each
// server, and none at the others once one has refused the password. Of the functions in the options only Credentials is called,
// with this context, and waited for.
//
// It takes 10 s at the most, or as long as the context allows: what has not been tried by its deadline is said in the findings.
// At most 64 examinations are under way at a time, the others wait for their turn. When the context is cancelled, or its
// deadline passes before that, it fails with [ErrCancelled] or [ErrTimeout]; for options that cannot be used with
// [ErrInvalidConfig] or [ErrInvalidArgument].
func Diagnose(ctx context.Context, options Options, asked DiagnoseOptions) (*Diagnosis, error) {
	if ctx == nil {
		return nil, invalid("the context is nil")
	}
	if err := checkABI(); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, contextError(ctx)
	}
	lent, in, err := options.lend()
	if err != nil {
		return nil, err
	}
	defer lent.release()
	m := newMemory(len(asked.Method) + len(asked.Path) + len(asked.Token) + 3)
	defer m.release()
	what := C.nacos_diagnose_options{
		struct_size: C.sizeof_nacos_diagnose_options,
		method:      m.optional("method", asked.Method),
		path:        m.optional("path", asked.Path),
		token:       m.optional("token", asked.Token),
	}
	if asked.SendWrites {
		what.flags = C.NACOS_DIAGNOSE_SEND_WRITES
	}
	if m.err != nil {
		return nil, m.err
	}
	functions := &callbacks{ctx, options.Credentials, nil, nil}
	if data := functions.install(&in); data != 0 {
		defer data.Delete() // the library lets go of it, and does not say so
	}

	k := &call{ctx: ctx, ended: ctx.Done()}
	defer k.end()
	if err := k.takeThread(); err != nil {
		return nil, err
	}
	k.watch()
	what.cancel, what.timeout_ms = k.cancel, k.timeout
	var found nativeDiagnosis
	defer found.release()
	var detail failure
	if status := C.nacos_auth_diagnose(&in, &what, &found.diagnosis, &detail.detail); status != C.NACOS_OK {
		return nil, k.fail(status, &detail)
	}
	return found.copy()
}

// nativeDiagnosis is where a call puts the C object of its result.
type nativeDiagnosis struct{ diagnosis *C.nacos_diagnosis }

func (d *nativeDiagnosis) release() {
	C.nacos_diagnosis_free(d.diagnosis)
	d.diagnosis = nil
}

func (d *nativeDiagnosis) copy() (*Diagnosis, error) {
	var view C.nacosauth_diagnosis_view
	C.nacosauth_diagnosis(d.diagnosis, &view)
	native := make([]C.nacos_finding, view.count)
	if status := C.nacosauth_findings(d.diagnosis, unsafe.SliceData(native), view.count); status != C.NACOS_OK {
		return nil, new(failure).error(status)
	}
	findings := make([]Finding, len(native))
	for i, finding := range native {
		findings[i] = Finding{
			Severity: Severity(finding.severity),
			Cause:    Cause(C.GoString(finding.cause)),
			Server:   C.GoString(finding.server),
			Seen:     C.GoString(finding.seen),
			Means:    C.GoString(finding.means),
			Cure:     C.GoString(finding.cure),
		}
	}
	return &Diagnosis{
		Findings: findings,
		Severity: Severity(view.severity),
		Text:     C.GoString(view.text),
		JSON:     C.GoString(view.json),
	}, nil
}
