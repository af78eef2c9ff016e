//go:build cgo && nacos_auth_operations

package nacosauth

// mostBlocking is for tests: every request is an operation.
const mostBlocking = 0
