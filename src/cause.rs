//! Why something failed, as a word that programs can go by: one list for the header, the bindings and the docs.
//!
//! The build script takes this file too, so it uses nothing but the standard library.

macro_rules! causes {
    ($($name:ident = $slug:literal, $meaning:literal, $cure:literal;)*) => {
        /// Why something failed. Stable: a cause keeps its name, and new ones may be added.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Cause {
            $(#[doc = $meaning] #[doc = ""] #[doc = $cure] $name,)*
        }

        impl Cause {
            /// All of them, in the order of the docs.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name, as `connection-refused`: the same in every language.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $slug,)* }
            }

            /// The same as C has strings.
            pub(crate) fn c_name(self) -> &'static std::ffi::CStr {
                let name = match self { $(Self::$name => concat!($slug, "\0"),)* };
                std::ffi::CStr::from_bytes_with_nul(name.as_bytes()).unwrap_or(c"")
            }

            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }

            /// What to do about it, in a sentence.
            pub fn cure(self) -> &'static str {
                match self { $(Self::$name => $cure,)* }
            }
        }
    };
}

causes! {
    InvalidArgument = "invalid-argument",
        "An argument of the call is not usable.",
        "Give what the message asks for; nothing was sent.";
    InvalidConfig = "invalid-config",
        "A setting of the client is not usable.",
        "Write what the message says instead.";
    NameUnknown = "name-unknown",
        "The name of the server, or of the proxy, has no address.",
        "Check its spelling and the DNS of this machine.";
    ConnectionRefused = "connection-refused",
        "Nothing listens at that address and port.",
        "Start the server, or correct server_addr.";
    Unreachable = "unreachable",
        "No connection to the server could be made.",
        "Check routes and firewalls between here and the server.";
    ConnectTimeout = "connect-timeout",
        "The server, or the look-up of its name, did not answer in the time that connecting may take.",
        "Check firewalls, which often drop silently; or raise connect_timeout.";
    PoolTimeout = "pool-timeout",
        "All connections of the client were in use until the deadline.",
        "Raise max_connections or the deadline, or send less at a time.";
    NoAnswer = "no-answer",
        "The server took the request and did not answer in time.",
        "Look at the load of the server, or raise the deadline.";
    Deadline = "deadline",
        "The deadline of the call passed.",
        "Raise the deadline, if the servers are not known to be in trouble.";
    ConnectionBroken = "connection-broken",
        "The connection broke while a request was under way.",
        "Send it again if that does no harm; look for a restarted server or an impatient gateway.";
    TlsToHttpPort = "tls-to-http-port",
        "The address begins with https, and the server speaks plain http there.",
        "Write http instead, or the server's TLS port.";
    HttpToTlsPort = "http-to-tls-port",
        "The server speaks TLS there, and the address does not begin with https.",
        "Write https:// before the host.";
    UntrustedCertificate = "untrusted-certificate",
        "None of the trusted authorities has signed the server's certificate.",
        "Give the certificate of the authority that has as ca_file or ca_pem.";
    ExpiredCertificate = "expired-certificate",
        "The server's certificate is past its end.",
        "Renew it, or set the clock of this machine right.";
    FutureCertificate = "future-certificate",
        "The server's certificate is not valid yet.",
        "Set the clock of this machine right, or wait.";
    CertificateName = "certificate-name",
        "The server's certificate is for other names.",
        "Use a name that is in it as server_addr, or set tls_server_name to one.";
    MissingSan = "missing-san",
        "The server's certificate has no subjectAltName; the common name alone counts for nothing.",
        "Issue it again with the server's names in subjectAltName.";
    ClientCertificate = "client-certificate",
        "The server wants a client certificate, or refuses the one it got.",
        "Give client_cert_file and client_key_file that the server trusts.";
    TlsFailed = "tls-failed",
        "The TLS handshake failed.",
        "See the message; versions and ciphers of the server may be too old.";
    ProxyFailed = "proxy-failed",
        "The proxy cannot be reached, or does not let this through.",
        "Check the proxy's address, its user and its rules.";
    NotNacos = "not-nacos",
        "What answers is not a Nacos server.",
        "Correct server_addr: a portal or another web server is there.";
    WrongContextPath = "wrong-context-path",
        "The server has no login API below that context path.",
        "Set context_path to what the server uses (/nacos unless changed).";
    ConsolePort = "console-port",
        "This is the console port of a Nacos 3, which has another API.",
        "Use the server's main port, 8848 unless changed.";
    LoginSwitchedOff = "login-switched-off",
        "The server has switched this API off (HTTP 410).",
        "Switch it on in the server, or use a newer path of its API.";
    Gateway = "gateway",
        "A gateway answers in the server's place, and does not reach it.",
        "Look at the gateway and the server behind it.";
    GatewayRefusal = "gateway-refusal",
        "The login was refused in words that are not those of a Nacos, perhaps by a gateway before it.",
        "Let the gateway pass the login's path, or check the password.";
    WrongCredentials = "wrong-credentials",
        "The server refuses user name and password.",
        "Correct them; a client that runs takes new ones by set_credentials, at once.";
    UnknownUser = "unknown-user",
        "The server knows no user of that name, or it has just started and has not read its users yet.",
        "Correct username; a server that has just started knows its users within seconds, a new user within 15 s.";
    UsersNotLoaded = "users-not-loaded",
        "The server had just started, and refused a good password until it had read its users.",
        "Wait some seconds: logins are tried again by themselves.";
    NoAdmin = "no-admin",
        "Nobody has made the first user of the server yet, so no login can succeed.",
        "Make it on the console, or by POST /v3/auth/user/admin (in 2.4 and 2.5 /v1/auth/users/admin).";
    ServerSecretMissing = "server-secret-missing",
        "The server has no secret to sign tokens with, or one that is too short.",
        "Set nacos.core.auth.plugin.nacos.token.secret.key to 32 bytes or more in base64, the same at all nodes.";
    OtherAuthType = "other-auth-type",
        "The server asks another service for its users: LDAP, behind its own login, or OIDC, without a login.",
        "With OIDC get the token from that service, and give it as token or by a credentials function.";
    LoginApiMissing = "login-api-missing",
        "A Nacos answers there, but has no login that can be reached.",
        "Let the gateway pass POST /v1/auth/login and /v3/auth/user/login; Nacos has had them since 1.2.";
    ServerFault = "server-fault",
        "The server failed (HTTP 5xx).",
        "Look at the server's log.";
    LoginFault = "login-fault",
        "The server failed over the login (HTTP 500), as Nacos also does over a wrong password.",
        "Check user name and password; then look at the server's log.";
    Overloaded = "overloaded",
        "The server has too much to do.",
        "Wait: logins are tried again by themselves.";
    Throttled = "throttled",
        "The server asked to be left alone for a while (HTTP 429).",
        "Wait for as long as it says; the next login does.";
    TokenRefused = "token-refused",
        "A server refused the token that was given to this library from elsewhere.",
        "Give it another one with nacos_auth_set_token.";
    NewTokensRefused = "new-tokens-refused",
        "Tokens are refused although they are new.",
        "Give all servers one secret and one clock.";
    SecretsDiffer = "secrets-differ",
        "Nodes in one list, or behind one address, have different secrets: what one takes another refuses.",
        "Give all nodes the same nacos.core.auth.plugin.nacos.token.secret.key.";
    TokenExpired = "token-expired",
        "The token is invalid or expired.",
        "Log in again; a client of this library does that by itself.";
    TokenOfOtherSecret = "token-of-other-secret",
        "The token was signed with another secret than that of the server.",
        "Log in again; if that does not help, give all nodes the same nacos.core.auth.plugin.nacos.token.secret.key.";
    TokenForeign = "token-foreign",
        "The token is none of a Nacos, or not whole.",
        "Take accessToken from the answer to a login as it is, without quotation marks and line ends.";
    TokenCache = "token-cache",
        "The server gives the same token to every login until a tenth of its life is left.",
        "Nothing; a new token may live for much less than the server's setting says.";
    TokenLifeShort = "token-life-short",
        "Tokens live for less than a minute.",
        "Raise nacos.core.auth.plugin.nacos.token.expire.seconds; every renewal costs the server a login.";
    TokenLifeLong = "token-life-long",
        "Tokens live for more than a month, and nothing but a new secret ends one that leaks.",
        "Lower nacos.core.auth.plugin.nacos.token.expire.seconds, 18000 unless set: renewal is automatic.";
    ClocksDiffer = "clocks-differ",
        "The clocks of the servers, or that of this machine, are apart.",
        "Set them by NTP: a server ends tokens by its own clock.";
    PermissionMissing = "permission-missing",
        "The user has no permission for what a request wanted.",
        "Give one to its role in Nacos, or log in as another user.";
    ServerIdentityMissing = "server-identity-missing",
        "The server refuses every request because it lacks its own identity.",
        "Set nacos.core.auth.server.identity.key and nacos.core.auth.server.identity.value, the same at all nodes.";
    AuthorizationStripped = "authorization-stripped",
        "Something before the server takes the header Authorization away.",
        "Let the gateway pass it, or set token_in to header (Nacos 2.1 and later) or query.";
    AuthenticationOff = "authentication-off",
        "The server asks nobody for a token.",
        "Nothing, if that is meant so; else set nacos.core.auth.enabled=true.";
    ApiMissing = "api-missing",
        "The server does not have the API that was asked for, or not any more.",
        "Use the paths of its version: from Nacos 3.2 on those of v3 only.";
    PasswordFile = "password-file",
        "The password file cannot be read, or holds no password.",
        "Make it readable for this process, with the password as its only line.";
    CredentialsCallback = "credentials-callback",
        "The function that supplies the credentials failed, or did not return.",
        "See the message, which is the function's own.";
    AnswerTooLarge = "answer-too-large",
        "The answer is larger than the client takes.",
        "Raise max_response_size, or ask for less.";
    AnswerDamaged = "answer-damaged",
        "The answer came compressed, and cannot be decoded.",
        "Look at the gateway that compresses it.";
    TokenInQuery = "token-in-query",
        "A server takes the token in the query only, as r-nacos up to 0.8.5 does.",
        "Update r-nacos, or set token_in to query.";
    SentWithoutToken = "sent-without-token",
        "A request was sent without a token: no login succeeds, and the server asks for none.",
        "Switch authentication on, or leave out the credentials; set anonymous to never to forbid it.";
    WouldBlock = "would-block",
        "The call would have had to wait, and was told not to.",
        "Call again a little later.";
    TooManyOperations = "too-many-operations",
        "As many operations are under way as max_operations allows.",
        "Start more when some have ended, or raise max_operations.";
    Cancelled = "cancelled",
        "The caller cancelled the call.",
        "Nothing.";
    Closed = "closed",
        "The client has been closed.",
        "Make a new one.";
    NoDescriptors = "no-descriptors",
        "This process has no file descriptors left.",
        "Raise its limit, or use fewer connections at a time.";
    NoMemory = "no-memory",
        "This process has no memory left for an answer.",
        "Ask for less at a time, or lower max_response_size.";
    NotTried = "not-tried",
        "Part of what was to be found out has not been tried.",
        "See what was seen, which says why.";
    Healthy = "healthy",
        "All is well.",
        "Nothing.";
    Internal = "internal",
        "The operating system or this library failed.",
        "Report it, with the message.";
}
