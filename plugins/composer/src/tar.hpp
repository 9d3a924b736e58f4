// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tree.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace symphony::composer {

enum class Squeeze : std::uint8_t { none, zstd, gzip };

/// A tar (in GNU's form) of a tree beneath a folder, with that folder and all in between, and links.
/// @param beneath  "opt/acme", or empty. @param links  Where each is, and what it leads to.
Result<std::string> tar_of(const Tree& tree, const std::string& beneath, Squeeze squeeze, const std::vector<std::pair<std::string, std::string>>& links = {});

/// The files of a tar, through libarchive, bounded as packages are. Links are left out.
/// @return `data_corrupt` "damaged-archive"; as Tree::add.
Result<Tree> read_tar(std::string_view bytes);

/// @return `exhausted`.
Result<std::string> squeezed(std::string_view bytes, Squeeze squeeze);

} // namespace symphony::composer
