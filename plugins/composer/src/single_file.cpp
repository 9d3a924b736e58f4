// SPDX-License-Identifier: Apache-2.0
#include "single_file.hpp"

#include <symphony/packaging/digest.hpp>

#include <algorithm>

namespace symphony::composer {
namespace {

constexpr std::string_view begin = "#!/bin/sh\n", end_mark = "\n#payload\n";

// The digest is of the whole file but the line in which it stands, which is the third. Of two that unpack at once, the second finds the folder of the first.
constexpr std::string_view script = R"(set -eu
refuse() {
    printf 'error: %s: %s\nhint: %s\n' "$0" "$1" "$2" >&2
    exit 3
}
found=$({ head -n 2 -- "$0"; tail -n +4 -- "$0"; } | sha256sum)
test "${found%% *}" = "$digest" || refuse 'is damaged: its bytes are not those that were composed' 'fetch it again'
cache=${XDG_CACHE_HOME:-}
case $cache in
/*) ;;
*) test -n "${HOME:-}" || refuse 'there is no folder to unpack into: HOME is not set' 'set HOME or XDG_CACHE_HOME'
   cache=$HOME/.cache ;;
esac
folder=$cache/symphony/distributions
if ! test -f "$folder/$digest/SHA256SUMS"; then
    mkdir -p -- "$folder"
    fresh=$(mktemp -d -- "$folder/.new-XXXXXX")
    trap 'rm -rf -- "$fresh"' EXIT
    trap 'exit 130' HUP INT TERM
    tail -n +@LINE@ -- "$0" | tar -x -z -p --no-same-owner -C "$fresh" -f - || refuse "cannot be unpacked into $folder" 'look whether there is room'
    chmod 0755 -- "$fresh"
    mv -T -- "$fresh" "$folder/$digest" 2>/dev/null || test -f "$folder/$digest/SHA256SUMS" || refuse "cannot be unpacked into $folder" 'remove what is in the way'
    rm -rf -- "$fresh"
    trap - EXIT HUP INT TERM
fi
exec "$folder/$digest/bin/symphony" "$@"
exit 1)";

} // namespace

std::string single_file_of(const std::string& title, std::string_view payload) {
    const std::string first = std::string(begin) + "# " + title + ", composed with symphony: unpacks itself once into the user's cache and starts from there.\n";
    std::string rest(script);
    const std::string_view mark = "@LINE@";
    const auto lines = std::count(script.begin(), script.end(), '\n') + 6; // title, digest and payload marks around it, and the next one
    rest.replace(rest.find(mark), mark.size(), std::to_string(lines));
    rest += end_mark;
    packaging::Sha256 digest;
    digest.add(first);
    digest.add(rest);
    digest.add(payload);
    return first + "digest=" + digest.end() + "\n" + rest + std::string(payload);
}

std::string_view payload_of(std::string_view bytes) noexcept {
    constexpr std::size_t script_bytes_max = 16 * 1024;
    if (!bytes.starts_with(begin)) return {};
    const auto mark = bytes.substr(0, script_bytes_max).find(end_mark);
    return mark == std::string_view::npos ? std::string_view() : bytes.substr(mark + end_mark.size());
}

} // namespace symphony::composer
