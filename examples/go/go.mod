module github.com/nacos-auth/nacos-auth/examples/go

go 1.24

require github.com/nacos-auth/nacos-auth/bindings/go v0.0.0

require github.com/nacos-auth/nacos-auth/bindings/go/lib/linux_amd64 v0.0.0 // indirect

replace github.com/nacos-auth/nacos-auth/bindings/go => ../../bindings/go

replace github.com/nacos-auth/nacos-auth/bindings/go/lib/linux_amd64 => ../../bindings/go/lib/linux_amd64
