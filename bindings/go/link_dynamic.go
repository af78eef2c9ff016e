//go:build nacos_auth_dynamic

package nacosauth

// #cgo pkg-config: nacos_auth
import "C"

// Linkage tells how libnacos_auth is linked: "static", or "dynamic" (build tag nacos_auth_dynamic).
const Linkage = "dynamic"
