# From the source tarball of a release, whose crates are in it. make dist fills in what belongs to the release: dist/vcpkg.
# cargo has no debug library to offer; the one there is goes with both.
set(VCPKG_BUILD_TYPE release)
set(VCPKG_POLICY_MISMATCHED_NUMBER_OF_BINARIES enabled)

find_program(CARGO cargo PATHS "$ENV{CARGO_HOME}/bin" "$ENV{HOME}/.cargo/bin")
if(NOT CARGO)
  message(FATAL_ERROR "nacos-auth needs cargo: install Rust, https://rustup.rs")
endif()

vcpkg_download_distfile(archive
  URLS "https://github.com/nacos-auth/nacos-auth/releases/download/v${VERSION}/nacos-auth-${VERSION}-source.tar.gz"
  FILENAME "nacos-auth-${VERSION}-source.tar.gz"
  SHA512 @SHA512@)
vcpkg_extract_source_archive(source ARCHIVE "${archive}")

vcpkg_cmake_configure(
  SOURCE_PATH "${source}"
  OPTIONS
    "-DNACOS_AUTH_CARGO=${CARGO}"
    "-DNACOS_AUTH_INSTALL_CMAKEDIR=share/nacos_auth"
  MAYBE_UNUSED_VARIABLES
    NACOS_AUTH_CARGO) # where a triplet names a library that is there already
vcpkg_cmake_install()
vcpkg_fixup_pkgconfig()

# Everything is built at once; the triplet says which library is wanted. The CMake package takes what is there.
if(VCPKG_LIBRARY_LINKAGE STREQUAL "static")
  file(GLOB unwanted "${CURRENT_PACKAGES_DIR}/lib/*.so*")
else()
  file(GLOB unwanted "${CURRENT_PACKAGES_DIR}/lib/*.a")
endif()
file(REMOVE ${unwanted})
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/share/doc")

vcpkg_install_copyright(FILE_LIST "${source}/LICENSE" "${source}/THIRD-PARTY.txt")
file(INSTALL "${CURRENT_PORT_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
