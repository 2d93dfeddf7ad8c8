const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

type Field = readonly [value: number, width: number] | string;

/** A field as its value and the width that zeros fill, or as text. Undefined for letters that Python has and this has not. */
function fieldOf(date: Date, letter: string): Field | undefined {
  const hour12 = date.getHours() % 12 || 12;
  switch (letter) {
    case 'Y':
      return [date.getFullYear(), 4];
    case 'y':
      return [date.getFullYear() % 100, 2];
    case 'm':
      return [date.getMonth() + 1, 2];
    case 'd':
      return [date.getDate(), 2];
    case 'j':
      return [dayOfYear(date), 3];
    case 'H':
      return [date.getHours(), 2];
    case 'I':
      return [hour12, 2];
    case 'M':
      return [date.getMinutes(), 2];
    case 'S':
      return [date.getSeconds(), 2];
    case 'p':
      return date.getHours() < 12 ? 'AM' : 'PM';
    case 'A':
      return DAYS[date.getDay()];
    case 'a':
      return DAYS[date.getDay()]?.slice(0, 3);
    case 'B':
      return MONTHS[date.getMonth()];
    case 'b':
      return MONTHS[date.getMonth()]?.slice(0, 3);
    case '%':
      return '%';
    default:
      return undefined;
  }
}

function dayOfYear(date: Date): number {
  const day = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return (day - Date.UTC(date.getFullYear(), 0, 0)) / 86_400_000;
}

/**
 * Python's `datetime.strftime` in the C locale and local time, for the fields that chat templates use; `%-d` drops leading
 * zeros as on Linux. Unknown fields stay as they are.
 */
export function strftime(date: Date, format: string): string {
  return format.replace(/%(-?)([A-Za-z%])/g, (whole, flag: string, letter: string) => {
    const field = fieldOf(date, letter);
    if (field === undefined || typeof field === 'string') return field ?? whole;
    const [value, width] = field;
    return String(value).padStart(flag === '-' ? 0 : width, '0');
  });
}
