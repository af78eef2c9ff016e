module github.com/nacos-auth/nacos-auth/bindings/go

go 1.24

require github.com/nacos-auth/nacos-auth/bindings/go/lib/linux_amd64 v0.0.0

replace github.com/nacos-auth/nacos-auth/bindings/go/lib/linux_amd64 => ./lib/linux_amd64
