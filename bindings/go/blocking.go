//go:build cgo && !nacos_auth_operations

package nacosauth

// mostBlocking requests of the process wait in C, each on a thread.
const mostBlocking = 8
