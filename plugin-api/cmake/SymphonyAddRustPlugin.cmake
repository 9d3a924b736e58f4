# SPDX-License-Identifier: Apache-2.0
# A plugin in Rust, built by cargo; the same function in the tree and outside it.
#
#   symphony_add_rust_plugin(<name>
#     SOURCES src/plugin.rs ...       what the library is made of, beside Cargo.toml and Cargo.lock
#     [TESTS]                         has tests that `cargo test` runs
#     [FILES data ...]                files or folders copied beside the library
#     [MANIFEST file])                default: manifest.toml
#
# SYMPHONY_RUST: AUTO builds it where there is a cargo that is new enough for the crate's `rust-version` and where the crates of
# its Cargo.lock can be had, and else says in one sentence why it is left out; ON fails instead; OFF leaves it out. The target
# <name>-bundle exists exactly when the plugin is built.

set(SYMPHONY_RUST AUTO CACHE STRING "Build plugins in Rust: AUTO (where it is possible), ON or OFF")
set_property(CACHE SYMPHONY_RUST PROPERTY STRINGS AUTO ON OFF)

# Sets `out` to why the crate in this folder cannot be built, or to nothing.
function(symphony_rust_obstacle out)
  set(${out} "" PARENT_SCOPE)
  if(SYMPHONY_SANITIZE OR SYMPHONY_FUZZ)
    set(${out} "sanitizers and fuzzers of this build do not see into Rust" PARENT_SCOPE)
    return()
  endif()
  find_program(SYMPHONY_CARGO cargo HINTS "$ENV{CARGO_HOME}/bin" "$ENV{HOME}/.cargo/bin")
  find_program(SYMPHONY_RUSTC rustc HINTS "$ENV{CARGO_HOME}/bin" "$ENV{HOME}/.cargo/bin")
  if(NOT SYMPHONY_CARGO OR NOT SYMPHONY_RUSTC)
    set(${out} "there is no cargo" PARENT_SCOPE)
    return()
  endif()
  file(READ Cargo.toml crate)
  string(REGEX MATCH "rust-version *= *\"([0-9.]+)\"" wanted "${crate}")
  set(wanted "${CMAKE_MATCH_1}")
  execute_process(COMMAND "${SYMPHONY_RUSTC}" --version OUTPUT_VARIABLE version ERROR_QUIET)
  string(REGEX MATCH "rustc ([0-9.]+)" version "${version}")
  set(version "${CMAKE_MATCH_1}")
  if(NOT version OR version VERSION_LESS wanted)
    set(${out} "it needs Rust ${wanted} and this is Rust ${version}" PARENT_SCOPE)
    return()
  endif()
  # What was fetched before is enough; only what is missing is asked for.
  execute_process(COMMAND "${SYMPHONY_CARGO}" fetch --locked --offline WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
    RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
  if(failed)
    execute_process(COMMAND "${CMAKE_COMMAND}" -E env CARGO_NET_RETRY=1 "${SYMPHONY_CARGO}" fetch --locked
      WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" TIMEOUT 120 RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
  endif()
  if(failed)
    set(${out} "the crates of its Cargo.lock cannot be had here" PARENT_SCOPE)
  endif()
endfunction()

function(symphony_add_rust_plugin name)
  cmake_parse_arguments(arg "TESTS" "MANIFEST" "SOURCES;FILES" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
    message(FATAL_ERROR "symphony_add_rust_plugin(${name}): no SOURCES, or unknown words: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(SYMPHONY_RUST STREQUAL "OFF")
    return()
  endif()
  symphony_rust_obstacle(obstacle)
  if(obstacle AND SYMPHONY_RUST STREQUAL "AUTO")
    message(STATUS "Plugin ${name} is left out: ${obstacle}.")
    return()
  elseif(obstacle)
    message(FATAL_ERROR "Plugin ${name} cannot be built: ${obstacle}. Configure with -DSYMPHONY_RUST=OFF to leave it out.")
  endif()

  if(NOT arg_MANIFEST)
    set(arg_MANIFEST manifest.toml)
  endif()
  get_filename_component(manifest "${arg_MANIFEST}" ABSOLUTE)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${manifest}" Cargo.toml Cargo.lock)
  symphony_manifest_value("${manifest}" id id)
  symphony_manifest_value("${manifest}" name short_name)
  symphony_manifest_value("${manifest}" version version)
  if(NOT id)
    set(id "${short_name}")
  endif()
  if(NOT id OR NOT version)
    message(FATAL_ERROR "${manifest}: [extension] needs name and version as strings on one line each")
  endif()

  # The same hardening as symphony_add_plugin's; cargo exports what is marked in the source and nothing else. Paths of this
  # machine, which messages of panics hold, are cut.
  file(READ Cargo.toml crate)
  string(REGEX MATCH "(^|\n)name *= *\"([^\"]+)\"" found "${crate}")
  string(REPLACE "-" "_" crate_name "${CMAKE_MATCH_2}")
  set(home "$ENV{CARGO_HOME}")
  if(NOT home)
    set(home "$ENV{HOME}/.cargo")
  endif()
  string(ASCII 31 parted)
  string(JOIN "${parted}" flags
    -Clink-arg=-Wl,-z,now,-z,relro,-z,noexecstack,-z,defs,--build-id=sha1
    "--remap-path-prefix=${home}=cargo" "--remap-path-prefix=${CMAKE_CURRENT_SOURCE_DIR}=${name}")
  set(folder "${SYMPHONY_PLUGIN_DIR}/${name}")
  set(target "${CMAKE_CURRENT_BINARY_DIR}/cargo")
  set(run "${CMAKE_COMMAND}" -E env "CARGO_ENCODED_RUSTFLAGS=${flags}" "SYMPHONY_PLUGIN_ID=${id}" "SYMPHONY_PLUGIN_VERSION=${version}"
    "CARGO_TARGET_DIR=${target}" "RUSTC=${SYMPHONY_RUSTC}" "${SYMPHONY_CARGO}")
  set(options --release --locked --offline --quiet --manifest-path "${CMAKE_CURRENT_SOURCE_DIR}/Cargo.toml")
  add_custom_command(OUTPUT "${folder}/lib${name}.so"
    COMMAND ${run} build --lib ${options}
    COMMAND ${CMAKE_COMMAND} -E copy "${target}/release/lib${crate_name}.so" "${folder}/lib${name}.so"
    DEPENDS ${arg_SOURCES} Cargo.toml Cargo.lock "${manifest}"
    WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" COMMENT "Building plugin ${name} with cargo" VERBATIM)
  install(FILES "${folder}/lib${name}.so" DESTINATION lib/symphony/plugins/${name}
    PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
  symphony_bundle_plugin(${name} "${manifest}" "${folder}/lib${name}.so" "${folder}/lib${name}.so" "${arg_FILES}")

  if(arg_TESTS AND BUILD_TESTING)
    # Compiled with the build and not when the tests run; cargo sees that nothing changed since.
    add_custom_command(OUTPUT "${target}/tests-built"
      COMMAND ${run} test --no-run ${options}
      COMMAND ${CMAKE_COMMAND} -E touch "${target}/tests-built"
      DEPENDS "${folder}/lib${name}.so" ${arg_SOURCES} WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
      COMMENT "Building the tests of ${name} with cargo" VERBATIM)
    add_custom_target(${name}-tests ALL DEPENDS "${target}/tests-built")
    add_test(NAME ${name}.cargo COMMAND ${run} test ${options} WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
    set_tests_properties(${name}.cargo PROPERTIES TIMEOUT 600)
  endif()
endfunction()
