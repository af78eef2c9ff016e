//go:build !nacos_auth_static

package nacosauth

// #cgo pkg-config: nacos_auth
import "C"

// Linkage tells how libnacos_auth is linked: "dynamic" or "static" (build tag nacos_auth_static).
const Linkage = "dynamic"
