# SPDX-License-Identifier: Apache-2.0
# The subjects resolver, lock and registry: their sources, tests and fuzzers.
find_package(simdjson 3.0 REQUIRED)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
target_sources(symphony_packaging PRIVATE
  src/compact_index.cpp
  src/compact_reader.cpp
  src/conflict.cpp
  src/document.cpp
  src/engine.cpp
  src/explain.cpp
  src/fetch.cpp
  src/fetched_files.cpp
  src/http.cpp
  src/index_line.cpp
  src/lock.cpp
  src/lock_text.cpp
  src/plan.cpp
  src/profile_lock.cpp
  src/propose.cpp
  src/provider.cpp
  src/publish.cpp
  src/publish_line.cpp
  src/registry.cpp
  src/registry_files.cpp
  src/registry_source.cpp
  src/resolver.cpp
  src/solver.cpp
  src/user_registries.cpp
  src/words.cpp)
target_link_libraries(symphony_packaging PRIVATE simdjson::simdjson PkgConfig::xxhash)

symphony_add_test(packaging-resolve-tests
  SOURCES
    tests/engine_test.cpp
    tests/lock_test.cpp
    tests/http_test.cpp
    tests/index_test.cpp
    tests/plan_test.cpp
    tests/publish_test.cpp
    tests/registry_files_test.cpp
    tests/registry_test.cpp
    tests/resolver_test.cpp
    tests/resolver_oracle_test.cpp
    tests/universe.cpp
  LIBS symphony_packaging LibArchive::LibArchive Threads::Threads)
if(TARGET packaging-resolve-tests)
  target_include_directories(packaging-resolve-tests PRIVATE src)
  # The oracle of the resolver; without it those tests are skipped and say so.
  find_path(SYMPHONY_LIBSOLV_INCLUDE solv/solver.h)
  find_library(SYMPHONY_LIBSOLV solv)
  if(SYMPHONY_LIBSOLV_INCLUDE AND SYMPHONY_LIBSOLV)
    target_sources(packaging-resolve-tests PRIVATE tests/libsolv_oracle.cpp)
    target_include_directories(packaging-resolve-tests SYSTEM PRIVATE ${SYMPHONY_LIBSOLV_INCLUDE})
    target_link_libraries(packaging-resolve-tests PRIVATE ${SYMPHONY_LIBSOLV})
    target_compile_definitions(packaging-resolve-tests PRIVATE SYMPHONY_HAS_LIBSOLV=1)
  endif()
endif()

symphony_add_fuzzer(fuzz-packaging-lock SOURCES fuzz/lock_fuzz.cpp LIBS symphony_packaging INPUTS fuzz/corpus/lock)
symphony_add_fuzzer(fuzz-packaging-registry SOURCES fuzz/registry_fuzz.cpp LIBS symphony_packaging INPUTS fuzz/corpus/registry)
symphony_add_fuzzer(fuzz-packaging-http SOURCES fuzz/http_fuzz.cpp LIBS symphony_packaging INPUTS fuzz/corpus/http)
symphony_add_fuzzer(fuzz-packaging-compact SOURCES fuzz/compact_fuzz.cpp LIBS symphony_packaging PkgConfig::xxhash INPUTS fuzz/corpus/compact)
if(TARGET fuzz-packaging-http)
  target_include_directories(fuzz-packaging-http PRIVATE src)
endif()
# Makes the seeds anew after a change of a format: packaging-make-seeds plugins/packaging/fuzz/corpus
add_executable(packaging-make-seeds EXCLUDE_FROM_ALL fuzz/make_seeds.cpp)
target_link_libraries(packaging-make-seeds PRIVATE symphony_packaging symphony_warnings)
