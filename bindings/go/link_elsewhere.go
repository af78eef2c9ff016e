//go:build cgo && !nacos_auth_dynamic && !(linux && amd64)

package nacosauth

// #error "this module brings the library for linux/amd64 only; for other systems install libnacos_auth and build with -tags nacos_auth_dynamic"
import "C"
