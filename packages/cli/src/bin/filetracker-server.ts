#!/usr/bin/env node
import { main } from '@filetracker/server/main';
import { growHeapFreely } from '../heap-growth.js';

growHeapFreely();
await main(process.argv.slice(2));
