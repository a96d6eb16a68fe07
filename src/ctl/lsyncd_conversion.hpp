// One sync block while it is being converted; shared by ctl/lsyncd_import (settings, all blocks
// together), lsyncd_sync (one block), lsyncd_rsync, lsyncd_attributes and lsyncd_ssh (its inner
// tables).
//
// It collects keys and remarks and knows where in the program a key stands. It decides nothing.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/lsyncd_import.hpp"

namespace mirrord {

/// Finds the lines of keys. Lua keeps no places of values, so this is a look at the text: the key
/// with a "=" behind it, from the block's own line on, else the only such place in the file.
class KeyLines {
 public:
  explicit KeyLines(const std::string& text);

  /// Of a key in a block that begins at line `from`; `from` itself when it is not to be found.
  int line_of(const std::string& key, int from) const;

 private:
  bool sets(size_t index, const std::string& key) const;

  std::vector<std::string> lines_;
};

/// A filter rule, and the key that it came from.
struct ImportedRule {
  std::string key;
  std::string text;
};

struct Conversion {
  const KeyLines& lines;
  const ImportHost& host;
  int line = 0;  ///< of the block
  ImportedGroup group = {};
  std::vector<std::string> rsync_options = {};
  std::vector<std::string> exclude = {};
  std::vector<ImportedRule> filter = {};
  std::vector<ImportedRule> extra_filter = {};  ///< from rsync's arguments: it reads those first
  std::string symlinks = "preserve";
  std::string login = {};  ///< from ssh's -l

  void note(const std::string& key, const std::string& text) { remark(false, key, text); }
  void lose(const std::string& key, const std::string& text) { remark(true, key, text); }
  void remark(bool loss, const std::string& key, const std::string& text);

  /// Adds `key = "text"`, unless TOML cannot hold it. A later value of a key replaces the first.
  void set_text(TomlKeys& keys, const std::string& key, const std::string& text);
  void set_raw(TomlKeys& keys, const std::string& key, const std::string& toml);
};

// Each reads a value of the expected type, or loses the key.
const std::string* text_in(Conversion& to, const std::string& key, const LuaValue& value);
const bool* flag_in(Conversion& to, const std::string& key, const LuaValue& value);
const double* number_in(Conversion& to, const std::string& key, const LuaValue& value);
/// One string counts as a list of it.
std::vector<std::string> texts_in(Conversion& to, const std::string& key, const LuaValue& value);

/// What a file that the key names holds; the key is lost when it cannot be read.
std::optional<std::string> content_of(Conversion& to, const std::string& key,
                                      const std::string& path);

/// The shortest decimal text.
std::string number_text(double number);

/// "15s" or "500ms"; nothing when it is negative or longer than an hour.
std::optional<std::string> seconds_text(double seconds);

/// What becomes of one key of lsyncd's.
struct ImportRow {
  using Read = std::function<void(Conversion& to, const std::string& key, const LuaValue& value)>;

  std::string_view key;
  Read read;
};

// Rows that more than one table has.
void ignore_key(Conversion& to, const std::string& key, const LuaValue& value);
ImportRow::Read note_key(const char* text);
void read_delay(Conversion& to, const std::string& key, const LuaValue& value);

/// Reads a table of tables: each key by its row; one without a row is a loss.
void read_inner_table(const std::vector<ImportRow>& rows, Conversion& to, const std::string& key,
                      const LuaValue& value);

/// One sync block; without a source when there is nothing of it that mirrord could mirror.
ImportedGroup converted_block(const LsyncdSync& sync, const KeyLines& lines,
                              const ImportHost& host);

/// The tables rsync = {} and ssh = {}, and rsync.rsh, which is an ssh command.
void read_rsync_table(Conversion& to, const std::string& key, const LuaValue& value);
void read_ssh_table(Conversion& to, const std::string& key, const LuaValue& value);
void read_rsh(Conversion& to, const std::string& key, const LuaValue& value);

/// What becomes of modes, owners and groups, once rsync = {} was read or where there is none.
void add_attributes(Conversion& to, const LuaTable* rsync, bool direct);

}  // namespace mirrord
