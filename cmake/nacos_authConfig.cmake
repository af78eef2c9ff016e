# find_package(nacos_auth): the targets nacos_auth::shared and nacos_auth::static.
if(TARGET nacos_auth::shared)
  return()
endif()

# The real path: where /lib is a link to /usr/lib, the headers are beside the latter.
get_filename_component(_nacos_auth_prefix "${CMAKE_CURRENT_LIST_DIR}" REALPATH)
get_filename_component(_nacos_auth_prefix "${_nacos_auth_prefix}/../../.." ABSOLUTE)

add_library(nacos_auth::shared SHARED IMPORTED)
set_target_properties(nacos_auth::shared PROPERTIES
  IMPORTED_LOCATION "${_nacos_auth_prefix}/lib/libnacos_auth.so.1"
  IMPORTED_SONAME libnacos_auth.so.1
  INTERFACE_INCLUDE_DIRECTORIES "${_nacos_auth_prefix}/include")

# The same libraries as in nacos_auth.pc.
add_library(nacos_auth::static STATIC IMPORTED)
set_target_properties(nacos_auth::static PROPERTIES
  IMPORTED_LOCATION "${_nacos_auth_prefix}/lib/libnacos_auth.a"
  INTERFACE_LINK_LIBRARIES "-lutil;-lrt;-lpthread;-lm;-ldl"
  INTERFACE_INCLUDE_DIRECTORIES "${_nacos_auth_prefix}/include")

unset(_nacos_auth_prefix)
