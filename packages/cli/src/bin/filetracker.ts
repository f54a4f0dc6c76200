#!/usr/bin/env node
import { runFiletracker } from '../run.js';

await runFiletracker(process.argv.slice(2));
