//go:build cgo

package nacosauth

import (
	"os"
	"strings"
	"unicode/utf8"
)

// The variables that OptionsFromEnv reads, each named after its setting in the C interface.
const (
	envPrefix         = "NACOS_"
	envServerAddr     = "NACOS_SERVER_ADDR"
	envUsername       = "NACOS_USERNAME"
	envPassword       = "NACOS_PASSWORD"
	envPasswordFile   = "NACOS_PASSWORD_FILE"
	envToken          = "NACOS_TOKEN"
	envContextPath    = "NACOS_CONTEXT_PATH"
	envCAFile         = "NACOS_CA_FILE"
	envClientCertFile = "NACOS_CLIENT_CERT_FILE"
	envClientKeyFile  = "NACOS_CLIENT_KEY_FILE"
	envTLSServerName  = "NACOS_TLS_SERVER_NAME"
	envProxy          = "NACOS_PROXY"
	envTokenIn        = "NACOS_TOKEN_IN"
)

var envNames = [...]string{envServerAddr, envUsername, envPassword, envPasswordFile, envToken, envContextPath, envCAFile,
	envClientCertFile, envClientKeyFile, envTLSServerName, envProxy, envTokenIn}

// OptionsFromEnv takes options for [New] from environment variables, which have the same names in every language:
// NACOS_SERVER_ADDR; NACOS_USERNAME with NACOS_PASSWORD or NACOS_PASSWORD_FILE, or else NACOS_TOKEN; and, where wanted,
// NACOS_CONTEXT_PATH, NACOS_CA_FILE, NACOS_CLIENT_CERT_FILE, NACOS_CLIENT_KEY_FILE, NACOS_TLS_SERVER_NAME, NACOS_PROXY and
// NACOS_TOKEN_IN ("auto", "authorization", "header" or "query"). An empty one counts as not set. What is missing,
// contradictory or not usable, be it a file that cannot be read, is an [ErrInvalidConfig] that names the variable. Nothing
// else in this package reads the environment.
func OptionsFromEnv() (Options, error) {
	options, err := readEnv()
	if err != nil {
		return Options{}, err
	}
	// The errors of New name settings, and only here it is known where they came from. What is wrong with no variable may
	// be mended before the client is made.
	client, err := New(options)
	if err == nil {
		client.Close()
	} else if detail, ok := err.(*Error); ok && nameTheVariable(detail) {
		return Options{}, detail
	}
	return options, nil
}

func readEnv() (Options, error) {
	for _, name := range envNames {
		if !utf8.ValidString(os.Getenv(name)) {
			return Options{}, invalidOption(name + ": not valid UTF-8")
		}
	}
	isSet := func(name string) bool { return os.Getenv(name) != "" }
	if !isSet(envServerAddr) {
		return Options{}, invalidOption(envServerAddr + `: not set; write it like "10.0.0.1:8848" or "https://host:443"`)
	}
	for _, pair := range [...][2]string{{envToken, envUsername}, {envToken, envPassword}, {envToken, envPasswordFile},
		{envPassword, envPasswordFile}} {
		if isSet(pair[0]) && isSet(pair[1]) {
			return Options{}, invalidOption(pair[0] + " and " + pair[1] + ": they exclude each other; unset one of them")
		}
	}
	switch {
	case isSet(envToken):
	case !isSet(envUsername):
		return Options{}, invalidOption(envUsername + ": not set; set it with " + envPassword + " or " + envPasswordFile +
			", or set " + envToken)
	case !isSet(envPassword) && !isSet(envPasswordFile):
		return Options{}, invalidOption(envPassword + ": not set; set it, or " + envPasswordFile +
			" to the name of a file that holds it")
	}
	for _, pair := range [...][2]string{{envClientCertFile, envClientKeyFile}, {envClientKeyFile, envClientCertFile}} {
		if isSet(pair[0]) && !isSet(pair[1]) {
			return Options{}, invalidOption(pair[1] + ": not set; it goes with " + pair[0] + ": set both or neither")
		}
	}
	place, known := map[string]TokenIn{"": TokenInAuto, "auto": TokenInAuto, "authorization": TokenInAuthorization,
		"header": TokenInHeader, "query": TokenInQuery}[os.Getenv(envTokenIn)]
	if !known {
		return Options{}, invalidOption(envTokenIn + ": not known; write auto, authorization, header or query")
	}
	return Options{
		ServerAddr:     os.Getenv(envServerAddr),
		Username:       os.Getenv(envUsername),
		Password:       os.Getenv(envPassword),
		PasswordFile:   os.Getenv(envPasswordFile),
		Token:          os.Getenv(envToken),
		ContextPath:    os.Getenv(envContextPath),
		CAFile:         os.Getenv(envCAFile),
		ClientCertFile: os.Getenv(envClientCertFile),
		ClientKeyFile:  os.Getenv(envClientKeyFile),
		TLSServerName:  os.Getenv(envTLSServerName),
		Proxy:          os.Getenv(envProxy),
		TokenIn:        place,
	}, nil
}

// nameTheVariable has an error that begins with the name of a setting begin with that of its variable instead; false if it
// is about none.
func nameTheVariable(err *Error) bool {
	end := strings.IndexFunc(err.Message, func(c rune) bool { return c != '_' && (c < 'a' || c > 'z') })
	if end < 0 {
		return false
	}
	name := envPrefix + strings.ToUpper(err.Message[:end])
	for _, known := range envNames {
		if known == name {
			err.Message = name + err.Message[end:]
			return true
		}
	}
	return false
}
