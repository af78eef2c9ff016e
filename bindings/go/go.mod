module github.com/nacos-auth/nacos-auth/bindings/go

go 1.24
