package nacosauth

// #include <nacos_auth.h>
import "C"

import (
	"cmp"
	"math"
)

// lend checks the options and lays them out as C takes them, without the functions. On success the memory is there to be
// released.
func (o *Options) lend() (m *memory, in C.nacos_auth_options, err error) {
	if o.ConnectTimeout < 0 || o.RequestTimeout < 0 {
		return nil, in, invalidOption("ConnectTimeout or RequestTimeout: a timeout is negative")
	}
	if o.MaxConnections < 0 || uint64(o.MaxConnections) > math.MaxUint32 {
		return nil, in, invalidOption("MaxConnections is negative or too large")
	}
	if o.MaxOperations < 0 || uint64(o.MaxOperations) > math.MaxUint32-maxTokens {
		return nil, in, invalidOption("MaxOperations is negative or too large")
	}
	if o.MaxResponseSize < 0 {
		return nil, in, invalidOption("MaxResponseSize is negative")
	}
	strings := []string{o.ServerAddr, o.ContextPath, o.Username, o.Password, o.PasswordFile,
		o.Token, o.CAFile, o.ClientCertFile, o.ClientKeyFile, o.TLSServerName, o.Proxy, o.UserAgent}
	pems := [][]byte{o.CAPEM, o.ClientCertPEM, o.ClientKeyPEM}
	size := len(strings) + len(pems)
	for _, s := range strings {
		size += len(s)
	}
	for _, pem := range pems {
		size += len(pem)
	}
	m = newMemory(size)
	in = C.nacos_auth_options{
		struct_size:       C.sizeof_nacos_auth_options,
		server_addr:       m.string("server_addr", o.ServerAddr),
		context_path:      m.optional("context_path", o.ContextPath),
		password_file:     m.optional("password_file", o.PasswordFile),
		token:             m.optional("token", o.Token),
		ca_file:           m.optional("ca_file", o.CAFile),
		client_cert_file:  m.optional("client_cert_file", o.ClientCertFile),
		client_key_file:   m.optional("client_key_file", o.ClientKeyFile),
		ca_pem:            m.pem("ca_pem", o.CAPEM),
		client_cert_pem:   m.pem("client_cert_pem", o.ClientCertPEM),
		client_key_pem:    m.pem("client_key_pem", o.ClientKeyPEM),
		tls_server_name:   m.optional("tls_server_name", o.TLSServerName),
		proxy:             m.optional("proxy", o.Proxy),
		user_agent:        m.optional("user_agent", o.UserAgent),
		max_response_size: C.uint64_t(o.MaxResponseSize),
		token_in:          C.int32_t(o.TokenIn),
		anonymous:         C.int32_t(o.Anonymous),
		max_connections:   C.uint32_t(o.MaxConnections),
		max_operations:    C.uint32_t(cmp.Or(o.MaxOperations, defaultMaxRequests) + maxTokens), // never reached: see turns
	}
	// What is required goes as it is, for an error that says what is wrong with it.
	logsIn := o.Token == "" && o.Credentials == nil
	if logsIn || o.Username != "" {
		in.username = m.string("username", o.Username)
	}
	if logsIn && o.PasswordFile == "" || o.Password != "" {
		in.password = m.string("password", o.Password)
	}
	if o.ConnectTimeout > 0 {
		in.connect_timeout_ms = timeoutMS(o.ConnectTimeout)
	}
	if o.RequestTimeout > 0 {
		in.request_timeout_ms = timeoutMS(o.RequestTimeout)
	}
	if m.err != nil {
		m.release()
		return nil, in, m.err
	}
	return m, in, nil
}
