// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "operations.hpp"

#include <symphony/json.hpp>

#include <gtest/gtest.h>

#include <sys/mman.h>

#include <functional>
#include <map>
#include <string>
#include <string_view>

/// A file service in memory: what the disk does only on bad days (no permission, files that vanish between
/// listing and opening) happens here on demand. Roots it does not have are not granted.
class FakeFs {
public:
    struct Node {
        std::string kind = "file"; // as in symphony_host_fs
        std::string content;
        symphony_status open_fails = 0;
        std::string fail_reason;
    };

    FakeFs& add(const std::string& path, std::string content, const std::string& root = "workspace") {
        nodes(root)[path] = {"file", std::move(content), 0, {}};
        add_folders(path, root);
        return *this;
    }
    FakeFs& add_other(const std::string& path, const std::string& kind) {
        nodes("workspace")[path] = {kind, {}, 0, {}};
        add_folders(path, "workspace");
        return *this;
    }
    /// Listed, but opening (or listing, for a folder) fails.
    FakeFs& add_failing(const std::string& path, const std::string& kind, symphony::Code code, std::string reason) {
        nodes("workspace")[path] = {kind, {}, static_cast<symphony_status>(code), std::move(reason)};
        add_folders(path, "workspace");
        return *this;
    }

    files::Context context(std::function<bool()> cancelled = [] { return false; }) {
        return {symphony::Files(&ops_, this), std::move(cancelled), [](std::uint32_t, std::string_view) {}};
    }
    symphony::Result<symphony::Value> run(std::string_view operation, symphony::ValueView input) {
        return files::apply(operation, input, context());
    }
    symphony::Result<symphony::Value> run(std::string_view operation, std::string_view json) {
        const auto input = symphony::parse_json(json);
        if (!input) ADD_FAILURE() << input.error().message();
        return run(operation, input->view());
    }

private:
    using Nodes = std::map<std::string, Node>;
    Nodes& nodes(const std::string& root) { return roots_[root]; }

    void add_folders(const std::string& path, const std::string& root) {
        for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
            nodes(root).try_emplace(path.substr(0, slash), Node{"folder", {}, 0, {}});
        }
    }
    static symphony_status refuse(symphony_error* error, symphony_status code, std::string_view reason, const std::string& message) {
        return symphony::to_c(symphony::Error(static_cast<symphony::Code>(code), reason, message), error);
    }
    const Node* find(symphony_str root, std::string_view path) const {
        const auto nodes = roots_.find(std::string(symphony::from_c(root)));
        if (nodes == roots_.end()) return nullptr;
        const auto node = nodes->second.find(std::string(path));
        return node == nodes->second.end() ? nullptr : &node->second;
    }
    bool granted(symphony_str root) const { return roots_.contains(std::string(symphony::from_c(root))); }

    static symphony_status open(void* ctx, symphony_str root, symphony_str path, std::uint32_t, std::int32_t* fd, symphony_error* error) noexcept {
        const auto& self = *static_cast<FakeFs*>(ctx);
        const std::string name(symphony::from_c(path));
        if (!self.granted(root)) return refuse(error, SYMPHONY_E_NOT_GRANTED, "not-granted", "no right to read");
        const Node* node = self.find(root, name);
        if (node == nullptr) return refuse(error, SYMPHONY_E_NOT_FOUND, "", "cannot open: it is not there");
        if (node->open_fails != 0) return refuse(error, node->open_fails, node->fail_reason, "cannot open: this user may not");
        if (node->kind != "file") return refuse(error, SYMPHONY_E_INVALID_ARGUMENT, "not-a-file", "cannot open: it is not a regular file");
        *fd = ::memfd_create("fake", MFD_CLOEXEC);
        symphony::File file(*fd);
        const bool good = static_cast<bool>(file.write(symphony::bytes_of(std::string_view(node->content)))) && ::lseek(*fd, 0, SEEK_SET) == 0;
        static_cast<void>(file.release());
        return good ? SYMPHONY_OK : SYMPHONY_E_IO;
    }
    static symphony_status list(void* ctx, symphony_str root, symphony_str path, symphony_buf* out, symphony_error* error) noexcept {
        const auto& self = *static_cast<FakeFs*>(ctx);
        std::string folder(symphony::from_c(path));
        while (folder.ends_with('/')) folder.pop_back();
        if (!self.granted(root)) return refuse(error, SYMPHONY_E_NOT_GRANTED, "not-granted", "no right to read");
        if (!folder.empty()) {
            const Node* node = self.find(root, folder);
            if (node == nullptr) return refuse(error, SYMPHONY_E_NOT_FOUND, "", "cannot list: it is not there");
            if (node->open_fails != 0) return refuse(error, node->open_fails, node->fail_reason, "cannot list: this user may not");
            if (node->kind != "folder") return refuse(error, SYMPHONY_E_INVALID_ARGUMENT, "", "cannot list: Not a directory");
            folder += '/';
        }
        symphony::ValueBuilder entries;
        entries.list();
        for (const auto& [name, node] : self.roots_.at(std::string(symphony::from_c(root)))) {
            if (!name.starts_with(folder) || name.find('/', folder.size()) != std::string::npos) continue;
            entries.map().key("name").bytes(symphony::bytes_of(std::string_view(name).substr(folder.size()))).add("kind", node.kind);
            entries.add("size", node.content.size());
            if (node.kind == "unreadable") entries.add("error", "Input/output error");
            entries.end();
        }
        *out = entries.end().build().buffer().release();
        return SYMPHONY_OK;
    }

    static constexpr symphony_host_fs ops_{sizeof(symphony_host_fs), 0, &open, &list, nullptr, nullptr};
    std::map<std::string, Nodes> roots_;
};
