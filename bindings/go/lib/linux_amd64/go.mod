module github.com/nacos-auth/nacos-auth/bindings/go/lib/linux_amd64

go 1.24
