//go:build cgo && !nacos_auth_dynamic

package nacosauth

import _ "github.com/nacos-auth/nacos-auth/bindings/go/lib/linux_amd64" // the library itself

// Linkage tells how libnacos_auth is linked: "static", or "dynamic" (build tag nacos_auth_dynamic).
const Linkage = "static"
