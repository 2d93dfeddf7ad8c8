import { strftime } from './strftime.js';

describe('strftime', () => {
  const morning = new Date(2024, 1, 5, 0, 7, 9);
  const evening = new Date(2024, 11, 31, 23, 59, 59);

  test.each([
    ['%d %b %Y', '05 Feb 2024', '31 Dec 2024'],
    ['%Y-%m-%d %H:%M:%S', '2024-02-05 00:07:09', '2024-12-31 23:59:59'],
    ['%A, %B %-d, %y', 'Monday, February 5, 24', 'Tuesday, December 31, 24'],
    ['%a %j %I:%M %p', 'Mon 036 12:07 AM', 'Tue 366 11:59 PM'],
    ['100%% %Q', '100% %Q', '100% %Q'],
  ])('%j', (format, first, second) => {
    expect([strftime(morning, format), strftime(evening, format)]).toEqual([first, second]);
  });
});
