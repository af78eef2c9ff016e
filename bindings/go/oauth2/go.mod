module github.com/nacos-auth/nacos-auth/bindings/go/oauth2

go 1.24.0

require (
	github.com/nacos-auth/nacos-auth/bindings/go v0.0.0
	golang.org/x/oauth2 v0.34.0
)

require github.com/nacos-auth/nacos-auth/bindings/go/lib/linux_amd64 v0.0.0 // indirect

replace github.com/nacos-auth/nacos-auth/bindings/go => ../

replace github.com/nacos-auth/nacos-auth/bindings/go/lib/linux_amd64 => ../lib/linux_amd64
