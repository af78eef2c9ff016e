# A library that has been built already: sets static, and puts the shared one where it has all its names.
get_filename_component(static "${NACOS_AUTH_PREBUILT_DIR}/libnacos_auth.a" REALPATH BASE_DIR "${CMAKE_SOURCE_DIR}")
get_filename_component(given "${NACOS_AUTH_PREBUILT_DIR}/libnacos_auth.so" REALPATH BASE_DIR "${CMAKE_SOURCE_DIR}")
foreach(file IN LISTS static given)
  if(NOT EXISTS "${file}")
    message(FATAL_ERROR "nacos_auth: there is no ${file}: NACOS_AUTH_PREBUILT_DIR has to be a folder with libnacos_auth.so and "
      "libnacos_auth.a")
  endif()
endforeach()
configure_file("${given}" "${shared}" COPYONLY)
