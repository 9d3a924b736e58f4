# SPDX-License-Identifier: Apache-2.0
# Writes FILES of FOLDER as arrays of bytes: cmake -DFOLDER=... -DFILES=a|b -DOUTPUT=embedded.cpp -P Embed.cmake
string(REPLACE "|" ";" files "${FILES}")
set(arrays "")
set(table "")
set(number 0)
foreach(file IN LISTS files)
  file(READ "${FOLDER}/${file}" content HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," content "${content}")
  string(APPEND arrays "constexpr unsigned char file_${number}[] = {${content}0};\n")
  string(APPEND table "    {\"${file}\", file_${number}, sizeof file_${number} - 1},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE "${OUTPUT}" "// SPDX-License-Identifier: Apache-2.0\n// Made by Embed.cmake.\n#include \"templates.hpp\"\n\nnamespace symphony::kit {\nnamespace {\n\n${arrays}
constexpr TemplateFile all[] = {\n${table}};\n\n} // namespace\n\nstd::span<const TemplateFile> template_files() noexcept { return all; }\n\n} // namespace symphony::kit\n")
