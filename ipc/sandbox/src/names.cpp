// SPDX-License-Identifier: Apache-2.0
#include <symphony/sandbox/launcher.hpp>

namespace symphony::sandbox {

std::string_view name_of(Grade grade) noexcept {
    switch (grade) {
    case Grade::none: return "G0";
    case Grade::limits: return "G1";
    case Grade::no_landlock: return "G2";
    case Grade::no_namespaces: return "G3";
    case Grade::full: return "G4";
    }
    return "G0";
}

std::string_view describe(Grade grade) noexcept {
    switch (grade) {
    case Grade::none: return "not confined";
    case Grade::limits: return "limits only: files or system calls are not confined";
    case Grade::no_landlock: return "namespaces, seccomp and limits, but no Landlock";
    case Grade::no_namespaces: return "Landlock, seccomp and limits, but no namespaces of its own";
    case Grade::full: return "every layer";
    }
    return "not confined";
}

std::string_view name_of(Layer layer) noexcept {
    switch (layer) {
    case layer_hygiene: return "hygiene";
    case layer_namespaces: return "namespaces";
    case layer_identity: return "identity";
    case layer_landlock: return "landlock";
    case layer_seccomp: return "seccomp";
    case layer_memory: return "memory";
    case layer_limits: return "limits";
    }
    return "";
}

Limits Limits::filled() const noexcept {
    Limits full = *this;
    const auto fill = [](auto& value, auto usual) {
        if (value == 0) value = static_cast<std::remove_reference_t<decltype(value)>>(usual);
    };
    fill(full.memory_bytes, std::uint64_t{2} << 30);
    fill(full.threads, 128);
    fill(full.open_files, 256);
    fill(full.file_bytes, std::uint64_t{1} << 30);
    fill(full.output_bytes, std::uint64_t{16} << 20);
    return full;
}

} // namespace symphony::sandbox
