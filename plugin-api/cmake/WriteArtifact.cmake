# SPDX-License-Identifier: Apache-2.0
# cmake -DMANIFEST=manifest.toml -DLIBRARY=libx.so -DTRIPLE=... -DOUTPUT=out/manifest.toml -P WriteArtifact.cmake
# Copies the manifest and appends the [[artifact]] block that lets the host verify the library's bytes.
file(READ "${MANIFEST}" text)
if(text MATCHES "\n *\\[\\[artifact\\]\\]")
  message(FATAL_ERROR "${MANIFEST}: has an [[artifact]] block already; the build writes it")
endif()
file(SHA256 "${LIBRARY}" digest)
file(SIZE "${LIBRARY}" size)
get_filename_component(name "${LIBRARY}" NAME)
string(APPEND text "\n[[artifact]]\ntriple = \"${TRIPLE}\"\npath = \"${name}\"\nsize = ${size}\nsha256 = \"${digest}\"\n")
file(WRITE "${OUTPUT}.new" "${text}")
file(RENAME "${OUTPUT}.new" "${OUTPUT}")
