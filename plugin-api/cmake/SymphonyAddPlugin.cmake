# SPDX-License-Identifier: Apache-2.0
# The same function in the tree and outside it.
#
#   symphony_add_plugin(<name>
#     SOURCES src/plugin.cpp ...      C or C++ sources
#     [LIBS lib ...]                  private libraries
#     [TESTS tests/x_test.cpp ...]    GoogleTest sources, linked with SOURCES' objects but plugin.cpp
#     [FILES data ...]                files or folders copied beside the library
#     [MANIFEST file])                default: manifest.toml
#
# Builds lib<name>.so with one exported symbol and puts it, with its manifest and the digest of its
# bytes, into <build>/plugins/<name>/, ready to be loaded or copied.
#
# SYMPHONY_PRECOMPILE=ON compiles the SDK's headers once and not for each change of plugin.cpp, as `symphony dev` wants it.

set(SYMPHONY_CMAKE_DIR "${CMAKE_CURRENT_LIST_DIR}")
if(NOT SYMPHONY_PLUGIN_DIR)
  set(SYMPHONY_PLUGIN_DIR "${CMAKE_BINARY_DIR}/plugins")
endif()
if(NOT SYMPHONY_TRIPLE)
  if(CMAKE_LIBRARY_ARCHITECTURE)
    set(SYMPHONY_TRIPLE "${CMAKE_LIBRARY_ARCHITECTURE}")
  else()
    set(SYMPHONY_TRIPLE "${CMAKE_SYSTEM_PROCESSOR}-linux-gnu")
  endif()
endif()

# Reads one string key of the manifest's [extension] table.
function(symphony_manifest_value manifest key out)
  file(READ "${manifest}" text)
  if(NOT text MATCHES "(^|\n)\\[extension\\]([^\n]*\n)")
    message(FATAL_ERROR "${manifest}: no [extension] table")
  endif()
  string(REGEX REPLACE "^(.*\n)?\\[extension\\][^\n]*\n" "" text "${text}")
  string(REGEX REPLACE "\n\\[.*$" "\n" text "${text}")
  if(text MATCHES "(^|\n)${key} *= *[\"']([^\"'\n]*)[\"']")
    set(${out} "${CMAKE_MATCH_2}" PARENT_SCOPE)
  else()
    set(${out} "" PARENT_SCOPE)
  endif()
endfunction()

# Puts the manifest with the library's digest, and `files`, beside the library in the plugin's folder, and installs them. `depends`
# is what makes `library`. For the functions that build plugins.
function(symphony_bundle_plugin name manifest library depends files)
  set(folder "${SYMPHONY_PLUGIN_DIR}/${name}")
  set(copies "")
  set(contents "") # of folders: a folder's own time says nothing of the files in it
  foreach(file IN LISTS files)
    get_filename_component(path "${file}" ABSOLUTE)
    get_filename_component(leaf "${file}" NAME)
    if(IS_DIRECTORY "${path}")
      list(APPEND copies COMMAND ${CMAKE_COMMAND} -E copy_directory "${path}" "${folder}/${leaf}")
      file(GLOB_RECURSE inside CONFIGURE_DEPENDS "${path}/*")
      list(APPEND contents ${inside})
    else()
      list(APPEND copies COMMAND ${CMAKE_COMMAND} -E copy "${path}" "${folder}/${leaf}")
    endif()
  endforeach()
  # An own step and not a post-build one, so that a change of the manifest alone is noticed too.
  # The manifest comes last: a host that follows the folder takes that for the sign that the rest is there.
  add_custom_command(OUTPUT "${folder}/manifest.toml"
    ${copies}
    COMMAND ${CMAKE_COMMAND} "-DMANIFEST=${manifest}" "-DLIBRARY=${library}"
            "-DTRIPLE=${SYMPHONY_TRIPLE}" "-DOUTPUT=${folder}/manifest.toml"
            -P "${SYMPHONY_CMAKE_DIR}/WriteArtifact.cmake"
    DEPENDS ${depends} "${manifest}" ${files} ${contents}
    COMMENT "Bundling plugin ${name}" VERBATIM)
  add_custom_target(${name}-bundle ALL DEPENDS "${folder}/manifest.toml")
  if(SYMPHONY_PLUGIN_DIR STREQUAL "${CMAKE_BINARY_DIR}/plugins")
    set_property(GLOBAL APPEND PROPERTY SYMPHONY_PLUGINS ${name})
  endif()

  install(CODE "execute_process(COMMAND \"${CMAKE_COMMAND}\" \"-DMANIFEST=${manifest}\"
    \"-DLIBRARY=\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/lib/symphony/plugins/${name}/lib${name}.so\"
    -DTRIPLE=${SYMPHONY_TRIPLE}
    \"-DOUTPUT=\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/lib/symphony/plugins/${name}/manifest.toml\"
    -P \"${SYMPHONY_CMAKE_DIR}/WriteArtifact.cmake\" COMMAND_ERROR_IS_FATAL ANY)")
  foreach(file IN LISTS files)
    get_filename_component(path "${file}" ABSOLUTE)
    if(IS_DIRECTORY "${path}")
      install(DIRECTORY "${path}" DESTINATION lib/symphony/plugins/${name})
    else()
      install(FILES "${path}" DESTINATION lib/symphony/plugins/${name})
    endif()
  endforeach()
endfunction()

function(symphony_add_plugin name)
  cmake_parse_arguments(arg "" "MANIFEST" "SOURCES;LIBS;TESTS;FILES" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "symphony_add_plugin(${name}): unknown words: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_SOURCES)
    message(FATAL_ERROR "symphony_add_plugin(${name}): no SOURCES")
  endif()
  if(NOT arg_MANIFEST)
    set(arg_MANIFEST manifest.toml)
  endif()
  get_filename_component(manifest "${arg_MANIFEST}" ABSOLUTE)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${manifest}")
  symphony_manifest_value("${manifest}" id id)
  symphony_manifest_value("${manifest}" name short_name)
  symphony_manifest_value("${manifest}" version version)
  if(NOT id)
    set(id "${short_name}")
  endif()
  if(NOT id OR NOT version)
    message(FATAL_ERROR "${manifest}: [extension] needs name and version as strings on one line each")
  endif()

  # Everything but the wiring file is an object library, so that tests link the same objects.
  set(wiring "")
  set(logic "")
  foreach(source IN LISTS arg_SOURCES)
    if(source MATCHES "(^|/)plugin\\.(c|cc|cpp|cxx)$")
      list(APPEND wiring ${source})
    else()
      list(APPEND logic ${source})
    endif()
  endforeach()
  set(objects "")
  set(parts "")
  if(logic)
    add_library(${name}-logic OBJECT ${logic})
    list(APPEND parts ${name}-logic)
    set(objects $<TARGET_OBJECTS:${name}-logic>)
  endif()
  add_library(${name} MODULE ${wiring} ${objects})
  list(APPEND parts ${name})

  if(SYMPHONY_PRECOMPILE AND CMAKE_CXX_COMPILER)
    target_precompile_headers(${name} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:<symphony/plugin.hpp>>")
  endif()

  set(folder "${SYMPHONY_PLUGIN_DIR}/${name}")
  foreach(part IN LISTS parts)
    target_link_libraries(${part} PRIVATE Symphony::sdk ${arg_LIBS})
    if(TARGET symphony_warnings)
      target_link_libraries(${part} PRIVATE symphony_warnings)
    endif()
    target_compile_definitions(${part} PRIVATE
      SYMPHONY_PLUGIN_ID="${id}" SYMPHONY_PLUGIN_VERSION="${version}")
    target_compile_options(${part} PRIVATE $<$<CXX_COMPILER_ID:GNU>:$<$<COMPILE_LANGUAGE:CXX>:-fno-gnu-unique>>)
    set_target_properties(${part} PROPERTIES
      POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden
      VISIBILITY_INLINES_HIDDEN ON)
  endforeach()
  set_target_properties(${name} PROPERTIES
    OUTPUT_NAME ${name} PREFIX lib SUFFIX .so LIBRARY_OUTPUT_DIRECTORY "${folder}"
    BUILD_RPATH "" SKIP_BUILD_RPATH ON LINK_DEPENDS "${SYMPHONY_CMAKE_DIR}/symphony-plugin.map")
  target_link_options(${name} PRIVATE
    "LINKER:--version-script=${SYMPHONY_CMAKE_DIR}/symphony-plugin.map"
    LINKER:-z,now LINKER:-z,relro LINKER:-z,noexecstack LINKER:--as-needed
    LINKER:--exclude-libs,ALL LINKER:--build-id=sha1)
  if(NOT SYMPHONY_SANITIZE) # sanitizer run-times are resolved in the host
    target_link_options(${name} PRIVATE LINKER:-z,defs)
  endif()

  install(TARGETS ${name} LIBRARY DESTINATION lib/symphony/plugins/${name})
  symphony_bundle_plugin(${name} "${manifest}" "$<TARGET_FILE:${name}>" ${name} "${arg_FILES}")

  if(arg_TESTS AND BUILD_TESTING)
    find_package(GTest REQUIRED)
    include(GoogleTest)
    add_executable(${name}-tests ${arg_TESTS} ${objects})
    target_include_directories(${name}-tests PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/src)
    target_link_libraries(${name}-tests PRIVATE Symphony::sdk ${arg_LIBS} GTest::gmock GTest::gtest_main)
    if(TARGET symphony_warnings)
      target_link_libraries(${name}-tests PRIVATE symphony_warnings)
    endif()
    set_target_properties(${name}-tests PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
    gtest_discover_tests(${name}-tests TEST_PREFIX ${name}. DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 300)
  endif()
endfunction()
