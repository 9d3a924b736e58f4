// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace tess {

/// The language models of one tessdata folder. Looks at the disk at every question, so that a package
/// installed while the host runs is found.
class Languages {
public:
    /// @param folder  Where the *.traineddata files are; it need not exist.
    explicit Languages(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// `configured` if set, else TESSDATA_PREFIX, else the first folder of Debian's that exists.
    static Languages find(const std::string& configured);

    const std::filesystem::path& folder() const noexcept { return folder_; }

    /// Name ("eng", "script/Latin") to bytes of the file, sorted. Not the models without letters, "osd" and "equ".
    std::map<std::string, std::uint64_t> installed() const;

    /// Bytes of the model files of a language, or of several joined by '+' ("eng+deu").
    /// `unknown-model` names what is missing, where it was looked for and what installs it.
    symphony::Result<std::uint64_t> file_bytes(std::string_view language) const;

private:
    std::filesystem::path folder_;
};

/// Debian's package of a model: "chi_sim" is in tesseract-ocr-chi-sim.
std::string debian_package(std::string_view language);

} // namespace tess
