# The library by cargo: sets static, and makes the target nacos_auth_cargo, which builds it and the shared one.
set(instead "build the library for it, as tools/cargo-release.sh does, and set NACOS_AUTH_PREBUILT_DIR to the folder with \
libnacos_auth.so and libnacos_auth.a")
if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
  message(FATAL_ERROR "nacos_auth: builds for Linux only, not for ${CMAKE_SYSTEM_NAME}")
endif()
# Without a language there is no size.
if(CMAKE_SIZEOF_VOID_P AND NOT CMAKE_SIZEOF_VOID_P EQUAL 8)
  message(FATAL_ERROR "nacos_auth: builds for 64 bits only, and this project is for less; ${instead}")
endif()
if(CMAKE_CROSSCOMPILING)
  message(FATAL_ERROR "nacos_auth: does not build for another machine (${CMAKE_SYSTEM_PROCESSOR}) by itself; ${instead}")
endif()

find_program(NACOS_AUTH_CARGO cargo PATHS "$ENV{CARGO_HOME}/bin" "$ENV{HOME}/.cargo/bin")
mark_as_advanced(NACOS_AUTH_CARGO)
if(NOT NACOS_AUTH_CARGO)
  message(FATAL_ERROR "nacos_auth: cargo was not found: install Rust (https://rustup.rs), or set NACOS_AUTH_PREBUILT_DIR to a "
    "folder with libnacos_auth.so and libnacos_auth.a")
endif()
file(STRINGS Cargo.toml needed REGEX "^rust-version = " LIMIT_COUNT 1)
string(REGEX REPLACE ".*\"(.*)\".*" "\\1" needed "${needed}")
get_filename_component(cargo_folder "${NACOS_AUTH_CARGO}" DIRECTORY)
execute_process(COMMAND "${NACOS_AUTH_CARGO}" version --verbose WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
  OUTPUT_VARIABLE said ERROR_VARIABLE said RESULT_VARIABLE failed)
string(REGEX MATCH "release: ([0-9.]+)" ignored "${said}")
set(release "${CMAKE_MATCH_1}")
string(REGEX MATCH "host: ([^ \n]+)" ignored "${said}")
set(host "${CMAKE_MATCH_1}")
if(failed OR NOT host)
  message(FATAL_ERROR "nacos_auth: ${NACOS_AUTH_CARGO} does not work: ${said}")
elseif(release VERSION_LESS needed)
  message(FATAL_ERROR "nacos_auth: needs Rust ${needed}, and ${NACOS_AUTH_CARGO} is ${release}: run rustup update, or install a "
    "newer one")
endif()

set(target_dir "${CMAKE_CURRENT_BINARY_DIR}/cargo")
set(static "${built}/libnacos_auth.a")
file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/src/*.rs")
# The target by name, so that cargo's own settings do not choose another folder. make's job server is not for custom commands.
add_custom_command(
  OUTPUT "${shared}" "${static}"
  COMMAND "${CMAKE_COMMAND}" -E env --unset=MAKEFLAGS "PATH=${cargo_folder}:$ENV{PATH}"
    tools/cargo-release.sh build --release --locked --lib --package nacos-auth --features wiping
    --target ${host} --target-dir "${target_dir}"
  COMMAND "${CMAKE_COMMAND}" -E copy "${target_dir}/${host}/release/libnacos_auth.so" "${shared}"
  COMMAND tools/dist/archive.sh "${target_dir}/${host}/release/libnacos_auth.a" "${static}"
  DEPENDS ${sources} build.rs Cargo.toml Cargo.lock cbindgen.toml
  WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
  COMMENT "Building libnacos_auth by cargo"
  USES_TERMINAL VERBATIM)
set(all)
if(NACOS_AUTH_INSTALL)
  set(all ALL)
endif()
add_custom_target(nacos_auth_cargo ${all} DEPENDS "${shared}" "${static}")
