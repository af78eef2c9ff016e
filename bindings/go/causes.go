// Code generated from src/cause.rs by the build. DO NOT EDIT.

package nacosauth

// Cause says why something failed, more closely than its Status. More may come.
type Cause string

// The causes there are.
const (
	// An argument of the call is not usable. Give what the message asks for; nothing was sent.
	CauseInvalidArgument Cause = "invalid-argument"
	// A setting of the client is not usable. Write what the message says instead.
	CauseInvalidConfig Cause = "invalid-config"
	// The name of the server, or of the proxy, has no address. Check its spelling and the DNS of this machine.
	CauseNameUnknown Cause = "name-unknown"
	// Nothing listens at that address and port. Start the server, or correct ServerAddr.
	CauseConnectionRefused Cause = "connection-refused"
	// No connection to the server could be made. Check routes and firewalls between here and the server.
	CauseUnreachable Cause = "unreachable"
	// The server, or the look-up of its name, did not answer in the time that connecting may take. Check firewalls, which often drop silently; or raise ConnectTimeout.
	CauseConnectTimeout Cause = "connect-timeout"
	// All connections of the client were in use until the deadline. Raise MaxConnections or the deadline, or send less at a time.
	CausePoolTimeout Cause = "pool-timeout"
	// The server took the request and did not answer in time. Look at the load of the server, or raise the deadline.
	CauseNoAnswer Cause = "no-answer"
	// The deadline of the call passed. Raise the deadline, if the servers are not known to be in trouble.
	CauseDeadline Cause = "deadline"
	// The connection broke while a request was under way. Send it again if that does no harm; look for a restarted server or an impatient gateway.
	CauseConnectionBroken Cause = "connection-broken"
	// The address begins with https, and the server speaks plain http there. Write http instead, or the server's TLS port.
	CauseTLSToHTTPPort Cause = "tls-to-http-port"
	// The server speaks TLS there, and the address does not begin with https. Write https:// before the host.
	CauseHTTPToTLSPort Cause = "http-to-tls-port"
	// None of the trusted authorities has signed the server's certificate. Give the certificate of the authority that has as CAFile or CAPEM.
	CauseUntrustedCertificate Cause = "untrusted-certificate"
	// The server's certificate is past its end. Renew it, or set the clock of this machine right.
	CauseExpiredCertificate Cause = "expired-certificate"
	// The server's certificate is not valid yet. Set the clock of this machine right, or wait.
	CauseFutureCertificate Cause = "future-certificate"
	// The server's certificate is for other names. Use a name that is in it as ServerAddr, or set TLSServerName to one.
	CauseCertificateName Cause = "certificate-name"
	// The server's certificate has no subjectAltName; the common name alone counts for nothing. Issue it again with the server's names in subjectAltName.
	CauseMissingSAN Cause = "missing-san"
	// The server wants a client certificate, or refuses the one it got. Give ClientCertFile and ClientKeyFile that the server trusts.
	CauseClientCertificate Cause = "client-certificate"
	// The TLS handshake failed. See the message; versions and ciphers of the server may be too old.
	CauseTLSFailed Cause = "tls-failed"
	// The proxy cannot be reached, or does not let this through. Check the proxy's address, its user and its rules.
	CauseProxyFailed Cause = "proxy-failed"
	// What answers is not a Nacos server. Correct ServerAddr: a portal or another web server is there.
	CauseNotNacos Cause = "not-nacos"
	// The server has no login API below that context path. Set ContextPath to what the server uses (/nacos unless changed).
	CauseWrongContextPath Cause = "wrong-context-path"
	// This is the console port of a Nacos 3, which has another API. Use the server's main port, 8848 unless changed.
	CauseConsolePort Cause = "console-port"
	// The server has switched this API off (HTTP 410). Switch it on in the server, or use a newer path of its API.
	CauseLoginSwitchedOff Cause = "login-switched-off"
	// A gateway answers in the server's place, and does not reach it. Look at the gateway and the server behind it.
	CauseGateway Cause = "gateway"
	// The login was refused in words that are not those of a Nacos, perhaps by a gateway before it. Let the gateway pass the login's path, or check the password.
	CauseGatewayRefusal Cause = "gateway-refusal"
	// The server refuses user name and password. Correct them; a client that runs takes new ones by SetCredentials, at once.
	CauseWrongCredentials Cause = "wrong-credentials"
	// The server knows no user of that name, or it has just started and has not read its users yet. Correct username; a server that has just started knows its users within seconds, a new user within 15 s.
	CauseUnknownUser Cause = "unknown-user"
	// The server had just started, and refused a good password until it had read its users. Wait some seconds: logins are tried again by themselves.
	CauseUsersNotLoaded Cause = "users-not-loaded"
	// Nobody has made the first user of the server yet, so no login can succeed. Make it on the console, or by POST /v3/auth/user/admin (in 2.4 and 2.5 /v1/auth/users/admin).
	CauseNoAdmin Cause = "no-admin"
	// The server has no secret to sign tokens with, or one that is too short. Set nacos.core.auth.plugin.nacos.token.secret.key to 32 bytes or more in base64, the same at all nodes.
	CauseServerSecretMissing Cause = "server-secret-missing"
	// The server asks another service for its users: LDAP, behind its own login, or OIDC, without a login. With OIDC get the token from that service, and give it as token or by a credentials function.
	CauseOtherAuthType Cause = "other-auth-type"
	// A Nacos answers there, but has no login that can be reached. Let the gateway pass POST /v1/auth/login and /v3/auth/user/login; Nacos has had them since 1.2.
	CauseLoginApiMissing Cause = "login-api-missing"
	// The server failed (HTTP 5xx). Look at the server's log.
	CauseServerFault Cause = "server-fault"
	// The server failed over the login (HTTP 500), as Nacos also does over a wrong password. Check user name and password; then look at the server's log.
	CauseLoginFault Cause = "login-fault"
	// The server has too much to do. Wait: logins are tried again by themselves.
	CauseOverloaded Cause = "overloaded"
	// The server asked to be left alone for a while (HTTP 429). Wait for as long as it says; the next login does.
	CauseThrottled Cause = "throttled"
	// A server refused the token that was given to this library from elsewhere. Give it another one with SetToken.
	CauseTokenRefused Cause = "token-refused"
	// Tokens are refused although they are new. Give all servers one secret and one clock.
	CauseNewTokensRefused Cause = "new-tokens-refused"
	// Nodes in one list, or behind one address, have different secrets: what one takes another refuses. Give all nodes the same nacos.core.auth.plugin.nacos.token.secret.key.
	CauseSecretsDiffer Cause = "secrets-differ"
	// The token is invalid or expired. Log in again; a client of this library does that by itself.
	CauseTokenExpired Cause = "token-expired"
	// The token was signed with another secret than that of the server. Log in again; if that does not help, give all nodes the same nacos.core.auth.plugin.nacos.token.secret.key.
	CauseTokenOfOtherSecret Cause = "token-of-other-secret"
	// The token is none of a Nacos, or not whole. Take accessToken from the answer to a login as it is, without quotation marks and line ends.
	CauseTokenForeign Cause = "token-foreign"
	// The server gives the same token to every login until a tenth of its life is left. Nothing; a new token may live for much less than the server's setting says.
	CauseTokenCache Cause = "token-cache"
	// Tokens live for less than a minute. Raise nacos.core.auth.plugin.nacos.token.expire.seconds; every renewal costs the server a login.
	CauseTokenLifeShort Cause = "token-life-short"
	// Tokens live for more than a month, and nothing but a new secret ends one that leaks. Lower nacos.core.auth.plugin.nacos.token.expire.seconds, 18000 unless set: renewal is automatic.
	CauseTokenLifeLong Cause = "token-life-long"
	// The clocks of the servers, or that of this machine, are apart. Set them by NTP: a server ends tokens by its own clock.
	CauseClocksDiffer Cause = "clocks-differ"
	// The user has no permission for what a request wanted. Give one to its role in Nacos, or log in as another user.
	CausePermissionMissing Cause = "permission-missing"
	// The server refuses every request because it lacks its own identity. Set nacos.core.auth.server.identity.key and nacos.core.auth.server.identity.value, the same at all nodes.
	CauseServerIdentityMissing Cause = "server-identity-missing"
	// Something before the server takes the header Authorization away. Let the gateway pass it, or set TokenIn to header (Nacos 2.1 and later) or query.
	CauseAuthorizationStripped Cause = "authorization-stripped"
	// The server asks nobody for a token. Nothing, if that is meant so; else set nacos.core.auth.enabled=true.
	CauseAuthenticationOff Cause = "authentication-off"
	// The server does not have the API that was asked for, or not any more. Use the paths of its version: from Nacos 3.2 on those of v3 only.
	CauseApiMissing Cause = "api-missing"
	// The password file cannot be read, or holds no password. Make it readable for this process, with the password as its only line.
	CausePasswordFile Cause = "password-file"
	// The function that supplies the credentials failed, or did not return. See the message, which is the function's own.
	CauseCredentialsCallback Cause = "credentials-callback"
	// The answer is larger than the client takes. Raise MaxResponseSize, or ask for less.
	CauseAnswerTooLarge Cause = "answer-too-large"
	// The answer came compressed, and cannot be decoded. Look at the gateway that compresses it.
	CauseAnswerDamaged Cause = "answer-damaged"
	// A server takes the token in the query only, as r-nacos up to 0.8.5 does. Update r-nacos, or set TokenIn to query.
	CauseTokenInQuery Cause = "token-in-query"
	// A request was sent without a token: no login succeeds, and the server asks for none. Switch authentication on, or leave out the credentials; set anonymous to never to forbid it.
	CauseSentWithoutToken Cause = "sent-without-token"
	// The call would have had to wait, and was told not to. Call again a little later.
	CauseWouldBlock Cause = "would-block"
	// As many operations are under way as MaxOperations allows. Start more when some have ended, or raise MaxOperations.
	CauseTooManyOperations Cause = "too-many-operations"
	// The caller cancelled the call. Nothing.
	CauseCancelled Cause = "cancelled"
	// The client has been closed. Make a new one.
	CauseClosed Cause = "closed"
	// This process has no file descriptors left. Raise its limit, or use fewer connections at a time.
	CauseNoDescriptors Cause = "no-descriptors"
	// This process has no memory left for an answer. Ask for less at a time, or lower MaxResponseSize.
	CauseNoMemory Cause = "no-memory"
	// Part of what was to be found out has not been tried. See what was seen, which says why.
	CauseNotTried Cause = "not-tried"
	// All is well. Nothing.
	CauseHealthy Cause = "healthy"
	// The operating system or this library failed. Report it, with the message.
	CauseInternal Cause = "internal"
)
