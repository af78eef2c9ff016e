module github.com/nacos-auth/nacos-auth/examples/go

go 1.24

require github.com/nacos-auth/nacos-auth/bindings/go v0.0.0

replace github.com/nacos-auth/nacos-auth/bindings/go => ../../bindings/go
