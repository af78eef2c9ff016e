// Package nacosauth keeps a Go program authenticated against a Nacos server.
//
// A [Client] logs in, keeps the token, renews it before it expires, and when the server refuses it all the same (a new
// secret, a restart, a revocation) logs in once and sends the refused request again. There are three ways to use it:
//
//   - [Client.Do], [Client.Get] and [Client.Post] send requests through the library and need nothing else.
//   - [Transport] puts the token on the requests of an ordinary [net/http.Client].
//   - [Client.Token] returns the token for any other HTTP stack, [Client.TryToken] one that is there without waiting;
//     [Client.ReportRejected] tells the library what the server thought of it.
//
// Clients of one process with the same servers and credentials share one token and one login, also with parts
// of the program in other languages that use the same shared library.
//
// # Contexts
//
// Every call that may wait takes a context. Its deadline and its cancellation end the call, and the error then matches
// ctx.Err() and [context.Cause] of it under [errors.Is]. A context without a deadline is limited by [Options.RequestTimeout]; an
// error of that is [ErrTimeout] and not context.DeadlineExceeded. A day is the longest time-out there is; longer ones, up to
// math.MaxInt64, mean the same.
//
// # Errors
//
// Every error is an [*Error]: its Status is what [errors.Is] compares, its [Cause] says why more closely, and WasSent whether a
// server may have acted on the request.
//
// # Linking
//
// The package is a thin cgo layer over libnacos_auth. On Linux with glibc on amd64 the library comes along, in a module of its own,
// and is linked into the program. With -tags nacos_auth_dynamic an installed one is found with pkg-config (nacos_auth.pc), on
// any system. See [Linkage].
package nacosauth
