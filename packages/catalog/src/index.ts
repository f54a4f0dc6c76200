export { crawl } from './crawl/crawl.js';
