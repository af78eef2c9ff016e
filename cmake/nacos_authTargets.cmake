# nacos_auth_add_targets(INCLUDEDIR folder [SHARED file] [STATIC file] [GLOBAL]): what programs link with, the same for an
# installation and for a build inside another project.
function(nacos_auth_add_targets)
  cmake_parse_arguments(PARSE_ARGV 0 arg "GLOBAL" "INCLUDEDIR;SHARED;STATIC" "")
  set(global)
  if(arg_GLOBAL)
    set(global GLOBAL)
  endif()

  if(arg_SHARED)
    add_library(nacos_auth::shared SHARED IMPORTED ${global})
    set_target_properties(nacos_auth::shared PROPERTIES
      IMPORTED_LOCATION "${arg_SHARED}"
      IMPORTED_SONAME libnacos_auth.so.1
      INTERFACE_INCLUDE_DIRECTORIES "${arg_INCLUDEDIR}")
  endif()
  if(arg_STATIC)
    add_library(nacos_auth::static STATIC IMPORTED ${global})
    # The same libraries as in nacos_auth.pc.
    set_target_properties(nacos_auth::static PROPERTIES
      IMPORTED_LOCATION "${arg_STATIC}"
      INTERFACE_LINK_LIBRARIES "-lutil;-lrt;-lpthread;-lm;-ldl"
      INTERFACE_INCLUDE_DIRECTORIES "${arg_INCLUDEDIR}")
  endif()

  # As add_library has it: static unless BUILD_SHARED_LIBS says otherwise. Where there is one only, that one.
  set(kind static)
  if(arg_SHARED AND (BUILD_SHARED_LIBS OR NOT arg_STATIC))
    set(kind shared)
  endif()
  add_library(nacos_auth::nacos_auth INTERFACE IMPORTED ${global})
  set_target_properties(nacos_auth::nacos_auth PROPERTIES INTERFACE_LINK_LIBRARIES nacos_auth::${kind})
  # For nacos_auth.hpp. CMake refuses features of a language that the project does not have.
  if(CMAKE_CXX_COMPILER_LOADED)
    set_target_properties(nacos_auth::nacos_auth PROPERTIES INTERFACE_COMPILE_FEATURES cxx_std_17)
  endif()
endfunction()
