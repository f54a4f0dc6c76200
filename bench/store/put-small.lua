-- Distinct bodies of 4 KiB, half of them random, under distinct names in 100 directories.
local counter, id, random = 0, 0, nil

function setup(thread)
  thread:set("id", id)
  id = id + 1
end

function init(args)
  prefix, query = args[1], args[2] or ""
  math.randomseed(os.time() + id)
  local bytes = {}
  for i = 1, 2048 do bytes[i] = string.char(math.random(0, 255)) end
  random = table.concat(bytes)
  padding = string.rep("abcdefgh", 252)
  run = os.time() .. "-" .. math.random(1, 1000000000)
end

function request()
  counter = counter + 1
  local name = string.format("%s-%d", run, counter)
  local body = string.format("%-32s", name) .. random .. padding
  return wrk.format("PUT", prefix .. (counter % 100) .. "/" .. name .. query, nil, body)
end
